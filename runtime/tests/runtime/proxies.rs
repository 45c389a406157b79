//! What a proxy may do for the account that appointed it.

use crate::common::world::*;
use assay_runtime::{ProxyType, Runtime, RuntimeCall, RuntimeEvent, System};
use codec::Decode;
use frame_support::{
    assert_noop, assert_ok,
    traits::{GetCallMetadata, InstanceFilter},
};
use pallet_contestation::Ballots;
use sp_runtime::{traits::TrailingZeroInput, DispatchResult};
use std::collections::{BTreeMap, BTreeSet};

/// A pallet and a call of it.
type Name = (&'static str, &'static str);

/// All calls of a pallet that is not ours. Those of ours are named, so that each new one asks where it belongs.
const ALL: &[&str] = &[];

const BONDS: &[&str] =
    &["bond", "bond_more", "unbond", "withdraw", "set_commission", "undelegate", "withdraw_delegation"];
const SOLUTIONS: &[&str] = &["claim", "withdraw_commitment", "forfeit_commitment"];

/// What a proxy for everything but transfers may do.
const NON_TRANSFER: &[(&str, &[&str])] = &[
    ("System", ALL),
    ("Babe", ALL),
    ("Session", ALL),
    ("Grandpa", ALL),
    ("Utility", ALL),
    ("Proxy", ALL),
    ("Multisig", ALL),
    ("Bonds", BONDS),
    ("Solutions", SOLUTIONS),
    ("Elections", &["register", "stand", "leave", "evict", "withdraw_seat_bond", "resume"]),
    ("Models", &["serve", "stop_serving"]),
];

/// What a proxy for work may do.
const WORK: &[(&str, &[&str])] = &[
    ("Utility", ALL),
    ("Models", &["register", "update", "retire", "set_rate", "set_tier", "serve", "stop_serving"]),
    ("Bonds", BONDS),
    ("Bonds", &["delegate"]),
    ("Tasks", &["submit", "raise_fee", "expire", "retract", "forget"]),
    ("Solutions", &["commit", "reveal"]),
    ("Solutions", SOLUTIONS),
    ("Contestation", &["contest", "vote", "open", "open_solution", "settle", "pull", "charge_absent"]),
];

/// Every call of the runtime, with the plainest arguments that there are.
fn calls() -> BTreeMap<Name, RuntimeCall> {
    let mut calls = BTreeMap::new();
    for (pallet, index) in (0..=u8::MAX).flat_map(|pallet| (0..=u8::MAX).map(move |index| (pallet, index))) {
        // Nothing but zeros means something to every type but those whose variants are counted from one.
        for first in [0, 1] {
            if let Ok(call) = RuntimeCall::decode(&mut TrailingZeroInput::new(&[pallet, index, first])) {
                let name = call.get_call_metadata();
                calls.entry((name.pallet_name, name.function_name)).or_insert(call);
            }
        }
    }
    let named: BTreeSet<Name> = RuntimeCall::get_module_names()
        .iter()
        .flat_map(|pallet| RuntimeCall::get_call_names(pallet).iter().map(move |call| (*pallet, *call)))
        .collect();
    assert_eq!(calls.keys().copied().collect::<BTreeSet<_>>(), named, "every call is made");
    calls
}

#[test]
fn proxies_may_do_what_they_are_for_and_nothing_else() {
    let calls = calls();
    let may = |kind: ProxyType| -> BTreeSet<Name> {
        calls.iter().filter(|(_, call)| kind.filter(call)).map(|(name, _)| *name).collect()
    };
    let listed = |list: &[(&'static str, &'static [&'static str])]| -> BTreeSet<Name> {
        list.iter()
            .flat_map(|(pallet, names)| {
                let names = if names.is_empty() { RuntimeCall::get_call_names(pallet) } else { *names };
                names.iter().map(move |name| (*pallet, *name))
            })
            .collect()
    };
    assert_eq!(may(ProxyType::Any), calls.keys().copied().collect());
    assert_eq!(may(ProxyType::NonTransfer), listed(NON_TRANSFER));
    assert_eq!(may(ProxyType::Work), listed(WORK));
}

/// `real` appoints `proxy`.
fn appoint(world: &World, real: u8, proxy: u8, proxy_type: ProxyType) {
    let call = pallet_proxy::Call::add_proxy { delegate: who(proxy).into(), proxy_type, delay: 0 };
    assert_ok!(world.call(real, call));
}

/// `proxy` makes `call` for `real`; returns how that ended.
fn by_proxy(world: &World, proxy: u8, real: u8, call: impl Into<RuntimeCall>) -> DispatchResult {
    let call = Box::new(call.into());
    let call = pallet_proxy::Call::proxy { real: who(real).into(), force_proxy_type: None, call };
    assert_ok!(world.call(proxy, call));
    let executed = System::events().into_iter().rev().find_map(|record| match record.event {
        RuntimeEvent::Proxy(pallet_proxy::Event::ProxyExecuted { result }) => Some(result),
        _ => None,
    });
    executed.expect("the proxy has acted")
}

#[test]
fn a_proxy_for_work_votes_and_cannot_hide_a_transfer_in_a_batch() {
    let filtered: DispatchResult = Err(frame_system::Error::<Runtime>::CallFiltered.into());
    World::run(1, 0, |world| {
        world.solvers(&[1, 2, 3], BOND);
        world.endow(9);
        appoint(world, 3, 9, ProxyType::Work);
        let task = world.solved(1, FALSE);
        assert_ok!(world.contest(2, task, TRUE));
        let vote = pallet_contestation::Call::vote { task, seal: seal(&task, &who(3), TRUE) };
        assert_ok!(by_proxy(world, 9, 3, vote));
        assert!(Ballots::<Runtime>::contains_key(task, who(3)));

        let before = wealth(&[3]);
        let transfer = RuntimeCall::from(pallet_balances::Call::transfer_allow_death { dest: who(9).into(), value: 1 });
        assert_eq!(by_proxy(world, 9, 3, transfer.clone()), filtered);
        assert_eq!(by_proxy(world, 9, 3, pallet_utility::Call::batch_all { calls: vec![transfer] }), filtered);
        assert_eq!(wealth(&[3]), before);
    });
}

#[test]
fn a_proxy_appoints_nobody_who_may_do_more() {
    let filtered: DispatchResult = Err(frame_system::Error::<Runtime>::CallFiltered.into());
    World::run(1, 0, |world| {
        [1, 8, 9].into_iter().for_each(|account| world.endow(account));
        appoint(world, 1, 9, ProxyType::NonTransfer);
        let add = |proxy_type| pallet_proxy::Call::add_proxy { delegate: who(8).into(), proxy_type, delay: 0 };
        for more in [ProxyType::Any, ProxyType::Work] {
            assert_eq!(by_proxy(world, 9, 1, add(more)), filtered);
        }
        let nothing = pallet_proxy::Call::proxy {
            real: who(1).into(),
            force_proxy_type: None,
            call: Box::new(frame_system::Call::remark { remark: vec![] }.into()),
        };
        assert_noop!(world.call(8, nothing), pallet_proxy::Error::<Runtime>::NotProxy);
        assert_ok!(by_proxy(world, 9, 1, add(ProxyType::NonTransfer)));
        assert_ok!(by_proxy(world, 8, 1, frame_system::Call::remark { remark: vec![] }));
    });
}
