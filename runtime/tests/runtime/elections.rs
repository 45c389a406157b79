//! Elections on the whole runtime: whole lives of seats, and the attacks that were thought of. Each attack names what it
//! costs and what it brings; docs/elections.md has them in a table.

use crate::common::{
    check_pallets, genesis,
    world::{vrf_pair, wealth, who, World, BOND, FALSE, TRUE},
    Blocks,
};
use assay_runtime::{
    adapters::KeysOfSession,
    constants::{MAX_CANDIDATES, MAX_SEATS},
    genesis_config_presets::TEST_EPOCH,
    parameters::dynamic_params::elections as parameters,
    AccountId, Balance, Balances, BlockNumber, Elections, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin,
    RuntimeParameters, Session, System, VERSION,
};
use assay_traits::{OnTaskSettled, ValidatorKeys};
use assay_types::{election, Tenure, ASY};
use frame_support::{
    assert_noop, assert_ok,
    traits::{fungible::Inspect, Get},
    weights::Weight,
};
use frame_system::{LastRuntimeUpgrade, LastRuntimeUpgradeInfo};
use pallet_elections::{
    CommitTotals, Commits, Draws, Error, Event, SeatBonds, Totals, WeightInfo, DRAW_DELAY, SERVICE_DELAY, WAIT,
};
use pallet_session::NextKeys;
use sp_core::{sr25519, Pair};
use sp_keyring::Sr25519Keyring;
use sp_runtime::traits::Dispatchable;
use std::collections::BTreeSet;

/// A chain on which one commitment in six tenures is enough.
fn world(test: impl FnOnce(&mut World)) {
    World::run(1, 0, |world| {
        let (key, least) = (parameters::LeastCommits, Some(1));
        world.govern(vec![RuntimeParameters::Elections(parameters::Parameters::LeastCommits(key, least))]);
        test(world);
    });
}

fn accounts(numbers: &[u8]) -> Vec<AccountId> {
    numbers.iter().copied().map(who).collect()
}

/// The founder.
fn alice() -> AccountId {
    Sr25519Keyring::AliceStash.to_account_id()
}

/// Seats of the draw for `tenure`.
fn seats_of(tenure: Tenure) -> Vec<AccountId> {
    Draws::<Runtime>::get(tenure).expect("it was drawn").seats.into_inner()
}

#[test]
fn seats_serve_and_change_hands_while_the_committee_is_paid() {
    world(|world| {
        world.govern(vec![RuntimeParameters::Elections(parameters::Parameters::Seats(parameters::Seats, Some(1)))]);
        world.candidates(&[1, 2]);
        let first = Session::current_index();
        assert_ok!(world.bid(1, 2 * ASY));
        let founder = Balances::total_balance(&alice());
        world.next_tenure();
        // Half of the commitment is the committee's, beside what its member earns as the author of every block.
        let totals = CommitTotals::<Runtime>::get();
        assert_eq!((totals.committed, totals.burned, totals.paid), (2 * ASY, ASY, ASY));
        assert!(Balances::total_balance(&alice()) >= founder + ASY);
        assert_ok!(world.bid(2, ASY));
        while Session::current_index() < first + SERVICE_DELAY - 1 {
            world.next_tenure();
            assert_eq!(Session::validators(), [alice()]);
        }
        world.next_tenure();
        assert_eq!(Session::validators(), [alice(), who(1)]);
        assert_eq!(assay_runtime::Babe::authorities().len(), 2);
        world.next_tenure();
        assert_eq!(Session::validators(), [alice(), who(2)]);
        assert_eq!(Elections::committee(), [alice()]);
    });
}

#[test]
fn the_first_author_of_a_tenure_is_paid_out_of_the_new_set() {
    world(|world| {
        world.candidates(&[1]);
        // Whoever stands is first in the set, and so makes every block here.
        world.solvers(&[5], BOND);
        world.set_keys(5);
        assert_ok!(world.call(5, pallet_elections::Call::stand {}));
        world.next_tenure();
        let before = Balances::total_balance(&who(5));
        world.next_tenure();
        assert_eq!(Session::validators()[0], who(5));
        assert!(Balances::total_balance(&who(5)) > before, "the first block of its tenure is its own");
    });
}

/// Attack: try keys until one gives a winning output. Cost: nothing. Gain: none, because an output depends on the
/// accumulator of the draw before, which nobody knows until the tenure before the first commitment has ended.
#[test]
fn keys_cannot_be_ground() {
    world(|world| {
        world.solvers(&[1], BOND);
        world.set_keys(1);
        assert_ok!(world.register_with(1, &vrf_pair(1)));
        let (genesis, registered, known) = Elections::vrf_input();
        for _ in 0..WAIT {
            // The function over what was known then is not what is asked for now.
            let stale = election::vrf_sign(&vrf_pair(1), &genesis, registered, &known, &who(1));
            let call = pallet_elections::Call::commit { amount: ASY, vrf_proof: stale };
            assert!(world.call(1, call).is_err());
            assert_noop!(world.bid(1, ASY), Error::<Runtime>::Waiting);
            world.next_tenure();
        }
        assert_ne!(Elections::vrf_input().2, known);
        // Whoever sees the present input and then takes another key waits again.
        assert_ok!(world.register_with(1, &sr25519::Pair::from_seed(&[77; 32])));
        assert_noop!(world.bid(1, ASY), Error::<Runtime>::Waiting);
    });
}

/// Attack: register when it is clear that few compete, and win at once. Cost: a seat bond. Gain: none, for the wait is
/// longer than anybody can see ahead; rivals react within it.
#[test]
fn a_late_registration_comes_too_late() {
    world(|world| {
        world.candidates(&[1]);
        world.solvers(&[2], BOND);
        world.set_keys(2);
        assert_ok!(world.register_with(2, &vrf_pair(2)));
        assert_noop!(world.bid(2, 100 * ASY), Error::<Runtime>::Waiting);
        assert_ok!(world.bid(1, ASY));
        let tenure = Session::current_index();
        world.next_tenure();
        assert_noop!(world.bid(2, 100 * ASY), Error::<Runtime>::Waiting);
        world.next_tenure();
        assert_eq!(seats_of(tenure), [who(1)]);
    });
}

/// Attack: use a proof again, in another tenure, on another chain, or somebody else's. Cost: nothing. Gain: none.
#[test]
fn proofs_cannot_be_replayed() {
    world(|world| {
        world.candidates(&[1, 2]);
        let commit =
            |account: u8, vrf_proof| world.call(account, pallet_elections::Call::commit { amount: ASY, vrf_proof });
        let (genesis, tenure, accumulator) = Elections::vrf_input();
        let sign = |genesis, tenure, by: u8| election::vrf_sign(&vrf_pair(by), genesis, tenure, &accumulator, &who(by));
        let other_chain = sp_core::H256::repeat_byte(8);
        for (account, proof) in
            [(1, sign(&other_chain, tenure, 1)), (1, sign(&genesis, tenure + 1, 1)), (2, sign(&genesis, tenure, 1))]
        {
            assert_noop!(commit(account, proof), Error::<Runtime>::InvalidVrf);
        }
        let mine = sign(&genesis, tenure, 1);
        assert_ok!(commit(1, mine));
        assert_noop!(commit(1, mine), Error::<Runtime>::AlreadyCommitted);
        world.next_tenure();
        let again = pallet_elections::Call::commit { amount: ASY, vrf_proof: mine };
        assert_noop!(world.call(1, again), Error::<Runtime>::InvalidVrf);
    });
}

/// Attack: be the committee that is paid by one's own commitments, through a second identity. Cost: half of everything
/// committed, at least. Gain: the other half comes back in proportion to the ally's share of the committee's stake: with
/// all of it a seat costs half of what it costs others. What closes it: stake of others; docs/simulation.md has numbers.
#[test]
fn commitments_to_oneself_cost_half_at_least() {
    world(|world| {
        world.candidates(&[1]);
        // The ally outweighs the only other member, who has no stake at all.
        world.solvers(&[2], BOND);
        world.set_keys(2);
        assert_ok!(world.call(2, pallet_elections::Call::stand {}));
        world.next_tenure();
        world.next_tenure();
        assert_eq!(Elections::committee(), [who(2), alice()]);
        let before = wealth(&[1]);
        let ally = CommitTotals::<Runtime>::get();
        assert_ok!(world.bid(1, 100 * ASY));
        world.next_tenure();
        let totals = CommitTotals::<Runtime>::get();
        assert_eq!(before - wealth(&[1]), 100 * ASY);
        assert_eq!(totals.burned - ally.burned, 50 * ASY);
        assert_eq!(totals.paid - ally.paid, 50 * ASY);
    });
}

/// Attack: judge and be elected at once. Cost: nothing. Gain: none; either excludes the other.
#[test]
fn nobody_is_a_candidate_and_on_the_committee() {
    world(|world| {
        world.candidates(&[1]);
        world.solvers(&[2], BOND);
        world.set_keys(2);
        assert_noop!(world.call(1, pallet_elections::Call::stand {}), Error::<Runtime>::IsCandidate);
        assert_ok!(world.call(2, pallet_elections::Call::stand {}));
        assert_noop!(world.register_with(2, &vrf_pair(2)), Error::<Runtime>::StandsForCommittee);
        // Going over takes the wait, and by its end the committee has changed.
        world.next_tenure();
        world.next_tenure();
        assert!(Elections::committee().contains(&who(2)));
        assert_ok!(world.call(2, pallet_elections::Call::leave {}));
        assert_ok!(world.register_with(2, &vrf_pair(2)));
        for _ in 0..WAIT {
            assert_noop!(world.bid(2, ASY), Error::<Runtime>::Waiting);
            world.next_tenure();
        }
        assert!(!Elections::committee().contains(&who(2)));
        assert_ok!(world.bid(2, ASY));
    });
}

/// Attack: stand, and take the bond out that makes one fit for it, so that one is paid and has nothing to judge with. Cost:
/// nothing. Gain: none, the next set is named without.
#[test]
fn whoever_takes_the_bond_out_is_no_longer_on_the_committee() {
    world(|world| {
        world.solvers(&[2], BOND);
        world.set_keys(2);
        assert_ok!(world.call(2, pallet_elections::Call::stand {}));
        world.next_tenure();
        world.next_tenure();
        assert_eq!(Elections::committee(), [who(2), alice()]);
        assert_ok!(world.call(2, pallet_bonds::Call::unbond { amount: BOND }));
        world.next_tenure();
        world.next_tenure();
        assert!(!Elections::committee().contains(&who(2)));
        assert!(!Session::validators().contains(&who(2)));
    });
}

/// Attack: many commitments of next to nothing, to be drawn by luck or to fill the chain. Cost: the minimum, a seat bond
/// and work each. Gain: a weight of a hundredth of one ASY against that of the others.
#[test]
fn dust_is_refused_and_the_least_weighs_next_to_nothing() {
    world(|world| {
        world.candidates(&[1]);
        let minimum: Balance = parameters::MinimumCommit::get();
        assert_noop!(world.bid(1, minimum - 1), Error::<Runtime>::CommitTooSmall);
        assert_noop!(world.bid(1, 0), Error::<Runtime>::CommitTooSmall);
        assert_ok!(world.bid(1, minimum));
        let tenure = Session::current_index();
        let weight = Commits::<Runtime>::get(tenure, who(1)).expect("it has committed").weight();
        assert_eq!(weight, 1, "of a single commitment the median is nothing");
    });
}

/// Attack: be elected without working, or after wrong answers. Cost: the commitments. Gain: none.
#[test]
fn whoever_does_not_work_or_works_badly_is_not_drawn() {
    world(|world| {
        world.candidates(&[1, 2]);
        world.solvers(&[3, 4, 5], BOND);
        world.set_keys(3);
        assert_ok!(world.register_with(3, &vrf_pair(3)));
        world.next_tenure();
        world.next_tenure();
        // The second answers wrongly and is found out; the third does nothing.
        let task = world.solved(2, FALSE);
        world.dispute(task, (2, FALSE), (1, TRUE), &[(4, TRUE), (5, TRUE)]);
        world.be_paid(1);
        world.endow(2);
        for account in [1, 2, 3] {
            assert_ok!(world.bid(account, 10 * ASY));
        }
        let tenure = Session::current_index();
        world.next_tenure();
        world.next_tenure();
        assert_eq!(seats_of(tenure), [who(1)]);
    });
}

/// Attack: fill the list of candidates, so that nobody else can be one. Cost: a seat bond for each of a thousand places,
/// and a commitment every six tenures or a new registration every eight. Gain: rivals are kept out only as long as that is
/// paid.
#[test]
fn places_that_are_not_used_can_be_taken() {
    world(|world| {
        world.candidates(&[1]);
        for _ in 0..election::WINDOW {
            assert_noop!(world.call(2, pallet_elections::Call::evict { candidate: who(1) }), Error::<Runtime>::NotIdle);
            world.next_tenure();
        }
        assert_ok!(world.call(2, pallet_elections::Call::evict { candidate: who(1) }));
    });
}

/// As many candidates as there may be, all of whom commit to one election.
#[test]
fn of_the_most_candidates_distinct_ones_are_drawn_and_serve() {
    world(|world| {
        world.govern(vec![RuntimeParameters::Elections(parameters::Parameters::Seats(
            parameters::Seats,
            Some(MAX_SEATS),
        ))]);
        let bytes = |n: u32| sp_io::hashing::blake2_256(&n.to_le_bytes());
        let account = |n: u32| AccountId::new(bytes(n));
        let pair = |n: u32| sr25519::Pair::from_seed(&bytes(n));
        let register = |n: u32| {
            let set_balance = pallet_balances::Call::force_set_balance { who: account(n).into(), new_free: 100 * ASY };
            assert_ok!(RuntimeCall::from(set_balance).dispatch(RuntimeOrigin::root()));
            world.set_keys_of(&account(n), bytes(n));
            let keys = KeysOfSession::keys_hash(&account(n)).expect("it has just set keys");
            Elections::register(RuntimeOrigin::signed(account(n)), pair(n).public().0, keys)
        };
        (0..MAX_CANDIDATES).for_each(|n| {
            assert_ok!(register(n));
        });
        // What makes the next one fail is its place, not what it has.
        assert_eq!(register(MAX_CANDIDATES), Err(Error::<Runtime>::TooManyCandidates.into()));
        world.next_tenure();
        world.next_tenure();
        let (genesis, tenure, accumulator) = Elections::vrf_input();
        for n in 0..MAX_CANDIDATES {
            Elections::on_task_settled(&Default::default(), &Default::default(), &account(n), &Default::default());
            let vrf_proof = election::vrf_sign(&pair(n), &genesis, tenure, &accumulator, &account(n));
            assert_ok!(Elections::commit(RuntimeOrigin::signed(account(n)), ASY, vrf_proof));
        }
        let half = Balance::from(MAX_CANDIDATES) * ASY / 2;
        let totals = Totals { committed: 2 * half, burned: half, paid: 0, pending: half };
        assert_eq!(CommitTotals::<Runtime>::get(), totals);
        world.next_tenure();
        assert_eq!(CommitTotals::<Runtime>::get(), Totals { paid: half, pending: 0, ..totals });
        world.next_tenure();
        let draw = Draws::<Runtime>::get(tenure).expect("it was drawn");
        assert_eq!(draw.entrants.len(), MAX_CANDIDATES as usize);
        assert!(draw.entrants.iter().all(|entrant| entrant.weight == 1), "all of them qualify");
        let seats: BTreeSet<_> = draw.seats.iter().collect();
        assert_eq!(seats.len(), MAX_SEATS as usize);
        // A proof has every commitment, their prefix, two draws and the chain.
        assert_eq!(Elections::proof_keys(tenure).len(), MAX_CANDIDATES as usize + 4);
        check_pallets();
        while Session::current_index() < tenure + SERVICE_DELAY {
            world.next_tenure();
        }
        let set: BTreeSet<_> = Session::validators().into_iter().collect();
        assert_eq!(set, draw.seats.into_iter().chain([alice()]).collect());
    });
}

#[test]
fn the_most_candidates_are_drawn_in_bounded_weight() {
    let weight = <Runtime as pallet_elections::Config>::WeightInfo::draw(MAX_CANDIDATES);
    let limits = <Runtime as frame_system::Config>::BlockWeights::get();
    assert!(weight.ref_time() * 2 < limits.max_block.ref_time(), "{weight:?} of {:?}", limits.max_block);
    assert!(weight.all_gt(Weight::zero()));
}

/// Whoever equivocated does not serve again, nor does what it committed bring it a seat.
#[test]
fn an_offender_is_not_named_again() {
    world(|world| {
        world.candidates(&[1, 2]);
        for account in [1, 2] {
            assert_ok!(world.bid(account, ASY));
        }
        let first = Session::current_index();
        while Session::current_index() < first + SERVICE_DELAY {
            world.next_tenure();
        }
        let mut set = Session::validators();
        set.sort();
        let mut expected = accounts(&[1, 2]);
        expected.push(alice());
        expected.sort();
        assert_eq!(set, expected);
        let held = SeatBonds::<Runtime>::get(who(1)).expect("it has one").amount;
        Elections::note_offence(&who(1), sp_runtime::Perbill::from_percent(25));
        assert_eq!(SeatBonds::<Runtime>::get(who(1)).map(|bond| bond.amount), Some(held - held / 4));
        world.next_tenure();
        world.next_tenure();
        assert!(!Session::validators().contains(&who(1)));
        assert!(Session::validators().contains(&who(2)));
    });
}

/// A seat whose owner makes no blocks is given to others; blocks are made by the first of the set alone here.
#[test]
fn who_never_appears_is_replaced() {
    world(|world| {
        world.candidates(&[1]);
        assert_ok!(world.bid(1, ASY));
        let first = Session::current_index();
        while Session::current_index() < first + SERVICE_DELAY {
            world.next_tenure();
        }
        assert_eq!(Session::validators(), [alice(), who(1)]);
        // Ten blocks of two validators' twenty are missed in the first tenure.
        world.next_tenure();
        let absent = Event::Chilled { who: who(1), reason: pallet_elections::ChillReason::Absence };
        assert!(System::events().iter().any(|record| record.event == RuntimeEvent::Elections(absent.clone())));
        world.next_tenure();
        assert_eq!(Session::validators(), [alice()]);
    });
}

/// Whoever has taken its session keys back is in no further set; founders come back with keys, too few as they are.
#[test]
fn a_set_is_named_without_those_who_have_no_session_keys() {
    genesis("local").execute_with(|| {
        let mut blocks = Blocks::default();
        let mut pass_until = |tenure| {
            while Session::current_index() < tenure {
                blocks.begin();
                blocks.end();
            }
        };
        pass_until(1);
        let founders = Session::validators();
        assert_eq!((founders.len(), &founders[0]), (2, &alice()));
        let keys = NextKeys::<Runtime>::take(&founders[1]).expect("genesis has set them");
        pass_until(3);
        assert_eq!(Session::validators(), [alice()]);
        assert_eq!(assay_runtime::Babe::authorities().len(), 1);
        check_pallets();
        NextKeys::<Runtime>::insert(&founders[1], keys);
        pass_until(5);
        assert_eq!(Session::validators(), founders);
        check_pallets();
    });
}

/// An upgrade in the middle of a tenure, with commitments that have been made and a draw to come.
#[test]
fn an_election_under_way_survives_an_upgrade() {
    world(|world| {
        world.candidates(&[1, 2]);
        let tenure = Session::current_index();
        assert_ok!(world.bid(1, ASY));
        world.pass(2);
        let old =
            LastRuntimeUpgradeInfo { spec_version: (VERSION.spec_version - 1).into(), spec_name: VERSION.spec_name };
        LastRuntimeUpgrade::<Runtime>::put(old);
        world.pass(1);
        assert_eq!(LastRuntimeUpgrade::<Runtime>::get().map(|it| it.spec_version.0), Some(VERSION.spec_version));
        check_pallets();
        assert_eq!(Session::current_index(), tenure, "the upgrade was in the middle of the tenure");
        assert_ok!(world.bid(2, ASY));
        for _ in 0..DRAW_DELAY {
            world.next_tenure();
        }
        let mut seats = seats_of(tenure);
        seats.sort();
        assert_eq!(seats, accounts(&[1, 2]));
    });
}

#[test]
fn a_tenure_is_an_epoch() {
    world(|world| {
        world.next_tenure();
        let (tenure, began): (Tenure, BlockNumber) = pallet_elections::Began::<Runtime>::get();
        world.next_tenure();
        assert_eq!(pallet_elections::Began::<Runtime>::get(), (tenure + 1, began + TEST_EPOCH));
    });
}
