//! What an account cannot take goes to the treasury; what that cannot take is burned.

use super::*;
use assay_traits::FeeSplit;

fn empty_the_treasury() {
    assert_ok!(Balances::transfer_all(signed(TREASURY), BOB, false));
    assert_eq!(free(TREASURY), 0);
}

#[test]
fn what_the_recipient_cannot_take_should_go_to_the_treasury() {
    ExtBuilder.build_and_execute(|| {
        set_terms(9, NOBODY);
        let task = submit_solved(1_009);
        take_events();
        let settlement = <Tasks as TaskBook<u64>>::settle(&task, &SOLVER).unwrap();
        assert_eq!(settlement.fee, FeeSplit { model: 0, treasury: 109, solver: 900, delegators: 0 });
        assert_eq!(free(TREASURY), ENDOWMENT + 109);
        assert_eq!(
            take_events(),
            [Event::Refused { task, who: NOBODY, amount: 9 }, Event::Settled { task, solver: SOLVER, settlement },]
        );
    });
}

#[test]
fn what_makes_an_account_should_be_paid_to_it() {
    ExtBuilder.build_and_execute(|| {
        set_terms(10, NOBODY);
        let task = submit_solved(10);
        let settlement = <Tasks as TaskBook<u64>>::settle(&task, &SOLVER).unwrap();
        assert_eq!(settlement.fee, FeeSplit { model: 10, treasury: 0, solver: 0, delegators: 0 });
        assert_eq!(free(NOBODY), 10);
    });
}

#[test]
fn what_the_treasury_cannot_take_should_be_burned() {
    ExtBuilder.build_and_execute(|| {
        empty_the_treasury();
        set_terms(9, NOBODY);
        let issued = Balances::total_issuance();
        let task = submit_solved(99);
        take_events();
        let settlement = <Tasks as TaskBook<u64>>::settle(&task, &SOLVER).unwrap();
        assert_eq!(settlement.fee, FeeSplit { model: 0, treasury: 0, solver: 81, delegators: 0 });
        assert_eq!(Balances::total_issuance(), issued - 18);
        assert_eq!(held(ALICE).0, 0);
        assert_eq!(
            take_events(),
            [
                Event::Refused { task, who: NOBODY, amount: 9 },
                Event::Burned { task, amount: 9 },
                Event::Refused { task, who: TREASURY, amount: 9 },
                Event::Burned { task, amount: 9 },
                Event::Settled { task, solver: SOLVER, settlement },
            ]
        );
    });
}

#[test]
fn the_charge_of_a_retraction_should_be_burned_when_the_treasury_cannot_take_it() {
    ExtBuilder.build_and_execute(|| {
        empty_the_treasury();
        set_terms(0, RECIPIENT);
        let issued = Balances::total_issuance();
        let task = submit(99);
        take_events();
        assert_ok!(Tasks::retract(signed(ALICE), task));
        assert_eq!(Balances::total_issuance(), issued - 9);
        assert_eq!(
            take_events(),
            [
                Event::Refused { task, who: TREASURY, amount: 9 },
                Event::Burned { task, amount: 9 },
                Event::Retracted { task, refund: 90, charge: 0 },
            ]
        );
    });
}
