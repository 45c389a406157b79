//! Random operations by several solvers: whatever they do, holds and ledgers agree after each step.

use super::*;
use assay_traits::SolverStake;
use assay_types::Balance;
use frame_support::storage::with_storage_layer;
use proptest::prelude::*;

/// One step of a run.
#[derive(Clone, Debug)]
enum Step {
    Bond(u64, Balance),
    BondMore(u64, Balance),
    Unbond(u64, Balance),
    Withdraw(u64),
    Pledge(u64, Balance),
    Release(u64, Balance),
    Wait(u32),
    Unbonding(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let who = ALICE..=CHARLIE;
    let amount: core::ops::Range<Balance> = 0..400;
    prop_oneof![
        (who.clone(), amount.clone()).prop_map(|(who, amount)| Step::Bond(who, amount)),
        (who.clone(), amount.clone()).prop_map(|(who, amount)| Step::BondMore(who, amount)),
        (who.clone(), amount.clone()).prop_map(|(who, amount)| Step::Unbond(who, amount)),
        who.clone().prop_map(Step::Withdraw),
        (who.clone(), amount.clone()).prop_map(|(who, amount)| Step::Pledge(who, amount)),
        (who, amount).prop_map(|(who, amount)| Step::Release(who, amount)),
        (1u32..40).prop_map(Step::Wait),
        (0u32..120).prop_map(Step::Unbonding),
    ]
}

/// Does one step; calls that fail change nothing.
fn run(step: &Step) {
    let _ = with_storage_layer(|| match *step {
        Step::Bond(who, amount) => Bonds::bond(signed(who), amount),
        Step::BondMore(who, amount) => Bonds::bond_more(signed(who), amount),
        Step::Unbond(who, amount) => Bonds::unbond(signed(who), amount),
        Step::Withdraw(who) => Bonds::withdraw(signed(who)),
        Step::Pledge(who, amount) => Bonds::pledge(&who, amount),
        Step::Release(who, amount) => {
            // Only what was pledged is ever released; more is tested elsewhere.
            let pledged = Ledgers::<Test>::get(who).map(|ledger| ledger.pledged).unwrap_or_default();
            Bonds::release(&who, amount.min(pledged));
            Ok(())
        }
        Step::Wait(blocks) => {
            System::set_block_number(System::block_number() + blocks);
            Ok(())
        }
        Step::Unbonding(blocks) => {
            Unbonding::set(blocks);
            Ok(())
        }
    });
}

/// What must hold after each step, beyond the pallet's own invariants.
fn check() {
    Bonds::do_try_state().unwrap();
    for who in ALICE..=CHARLIE {
        let ledger = Ledgers::<Test>::get(who);
        assert_eq!(held(who), ledger.as_ref().map(|ledger| ledger.held()).unwrap_or_default());
        assert_eq!(Balances::free_balance(who) + held(who), ENDOWMENT, "no balance appears or disappears");
        if let Some(ledger) = ledger {
            assert!(ledger.mature(System::block_number()) <= ledger.active);
            assert_eq!(ledger.mature(u32::MAX), ledger.active);
        }
    }
    assert_eq!(Balances::total_issuance(), 3 * ENDOWMENT);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn operations_should_keep_holds_equal_to_ledgers(steps in proptest::collection::vec(step(), 1..80)) {
        ExtBuilder.build_and_execute(|| {
            for step in &steps {
                run(step);
                check();
            }
            // Nothing is ever locked: everyone gets everything back in the end.
            for who in ALICE..=CHARLIE {
                let Some(ledger) = Ledgers::<Test>::get(who) else { continue };
                Bonds::release(&who, ledger.pledged);
                System::set_block_number(System::block_number() + 1_000);
                let _ = Bonds::withdraw(signed(who));
                if let Some(ledger) = Ledgers::<Test>::get(who) {
                    assert_ok!(Bonds::unbond(signed(who), ledger.active));
                    System::set_block_number(System::block_number() + 1_000);
                    assert_ok!(Bonds::withdraw(signed(who)));
                }
                assert_eq!(Balances::free_balance(who), ENDOWMENT);
            }
            assert_eq!(TotalBonded::<Test>::get(), 0);
        });
    }
}
