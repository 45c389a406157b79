//! What an account cannot take goes to the treasury; what that cannot take is burned.

use super::*;

#[test]
fn what_the_treasury_cannot_take_should_be_burned() {
    ExtBuilder.build_and_execute(|| {
        commit(BOB);
        MockTasks::set_state(TASK, TaskState::Expired);
        assert_ok!(Balances::transfer_all(signed(TREASURY), ALICE, false));
        let issued = Balances::total_issuance();
        take_events();
        assert_ok!(Solutions::forfeit_commitment(signed(ALICE), TASK, BOB));
        assert_eq!((held(BOB), free(BOB), free(TREASURY)), (0, ENDOWMENT - 50, 0));
        assert_eq!(Balances::total_issuance(), issued - 50);
        assert_eq!(
            take_events(),
            [
                Event::Burned { task: TASK, amount: 50 },
                Event::CommitmentForfeited { task: TASK, solver: BOB, deposit: 0 },
            ]
        );
    });
}

#[test]
fn what_the_solver_cannot_take_should_go_to_the_treasury() {
    ExtBuilder.build_and_execute(|| {
        commit(BOB);
        MockTasks::set_state(TASK, TaskState::Retracted);
        // Another reason for the account to exist lets its free balance fall below the existential deposit.
        System::inc_providers(&BOB);
        assert_ok!(Balances::transfer_allow_death(signed(BOB), ALICE, ENDOWMENT - 50 - 10));
        assert_eq!(free(BOB), 10);
        take_events();
        assert_ok!(Solutions::withdraw_commitment(signed(BOB), TASK));
        assert_eq!((held(BOB), free(TREASURY)), (0, ENDOWMENT + 50));
        assert_eq!(
            take_events(),
            [
                Event::Refused { task: TASK, who: BOB, amount: 50 },
                Event::CommitmentWithdrawn { task: TASK, solver: BOB, deposit: 0 },
            ]
        );
    });
}
