use super::*;
use assay_types::{protocol, MAX_INLINE, MAX_PARAMETERS};
use frame_support::weights::Weight;
use sp_runtime::{DispatchError, TokenError};

#[test]
fn submit_should_hold_fee_and_deposits_and_fix_every_term() {
    ExtBuilder.build_and_execute(|| {
        run_to(7);
        let parameters = vec![1, 2, 3];
        assert_ok!(Tasks::submit(
            signed(ALICE),
            MODEL,
            parameters.clone().try_into().unwrap(),
            inline(b"hello"),
            500,
            Some(10)
        ));
        let task = protocol::task_id(&TaskId::zero(), &ALICE, &MODEL, &parameters, &Cid::of(b"hello"));
        assert_eq!(LastTask::<Test>::get(), task);
        assert_eq!(held(ALICE), (500, 1_000 + 2 * 8));
        assert_eq!(free(ALICE), ENDOWMENT - 500 - 1_016);
        assert_eq!(Escrow::<Test>::get(), 500);
        assert_eq!(Counts::<Test>::get(), TaskCounts { open: 1, ..Default::default() });
        let input = Inputs::<Test>::get(task).unwrap();
        assert_eq!(input.parameters.to_vec(), parameters);
        assert_eq!(input.payload, inline(b"hello"));
        let deadline = 17;
        assert_eq!(
            take_events(),
            [Event::Submitted {
                task,
                submitter: ALICE,
                model: MODEL,
                fee: 500,
                deadline,
                input: Cid::parse("bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq").unwrap(),
            }]
        );

        // What changes afterwards does not change the task.
        set_terms(7, BOB);
        RevealGrace::set(30);
        ContestWindow::set(30);
        RetractDelay::set(30);
        Retention::set(30);
        BaseDeposit::set(30);
        let record = record(task);
        assert_eq!((record.terms.fee, record.terms.recipient), (MODEL_FEE, RECIPIENT));
        assert_eq!((record.submitted_at, record.deadline), (7, deadline));
        assert_eq!((record.reveal_grace, record.contest_window), (3, 8));
        assert_eq!((record.retract_delay, record.retention), (5, 40));
        assert_eq!((record.base_deposit, record.byte_deposit), (1_000, 16));
        let view = <Tasks as TaskBook<u64>>::view(&task).unwrap();
        assert_eq!((view.state, view.submitter, view.model), (TaskState::Open, ALICE, MODEL));
        assert_eq!((view.fee, view.reward, view.commitments, view.ended_at), (500, 0, 0, None));
        assert_eq!((view.submitted_at, view.deadline, view.reveal_grace, view.contest_window), (7, 17, 3, 8));
    });
}

#[test]
fn submit_should_chain_ids_when_everything_else_is_equal() {
    ExtBuilder.build_and_execute(|| {
        let first = submit(200);
        let second = submit(200);
        assert_ne!(first, second);
        assert_eq!(second, protocol::task_id(&first, &ALICE, &MODEL, &[], &Cid::of(b"hello")));
        assert_eq!(held(ALICE), (400, 2 * (1_000 + HELLO_DEPOSIT)));
    });
}

#[test]
fn submit_should_take_the_shortest_the_longest_and_the_default_deadline() {
    ExtBuilder.build_and_execute(|| {
        let deadline = |blocks| {
            assert_ok!(Tasks::submit(signed(ALICE), MODEL, Default::default(), inline(b""), 200, blocks));
            record(LastTask::<Test>::get()).deadline
        };
        assert_eq!(deadline(Some(1)), 2);
        assert_eq!(deadline(Some(100)), 101);
        assert_eq!(deadline(None), 31);
    });
}

#[test]
fn submit_should_fail_when_the_deadline_is_absurd() {
    ExtBuilder.build_and_execute(|| {
        let submit = |blocks| Tasks::submit(signed(ALICE), MODEL, Default::default(), inline(b"x"), 200, Some(blocks));
        assert_noop!(submit(0), Error::<Test>::DeadlineZero);
        assert_noop!(submit(101), Error::<Test>::DeadlineTooLong);
        assert_noop!(submit(u32::MAX), Error::<Test>::DeadlineTooLong);
    });
}

#[test]
fn submit_should_fail_when_the_fee_is_below_the_flat_fee() {
    ExtBuilder.build_and_execute(|| {
        let submit = |fee| Tasks::submit(signed(ALICE), MODEL, Default::default(), inline(b"x"), fee, None);
        assert_noop!(submit(MODEL_FEE - 1), Error::<Test>::FeeTooLow);
        assert_ok!(submit(MODEL_FEE));
    });
}

#[test]
fn submit_should_hold_no_fee_when_the_model_asks_none_and_none_is_offered() {
    ExtBuilder.build_and_execute(|| {
        set_terms(0, RECIPIENT);
        submit(0);
        assert_eq!(held(ALICE).0, 0);
    });
}

#[test]
fn submit_should_store_an_external_input_without_a_deposit_for_it() {
    ExtBuilder.build_and_execute(|| {
        let input = |length| Payload::External { cid: Cid::of(b"large"), length };
        let submit = |input| Tasks::submit(signed(ALICE), MODEL, Default::default(), input, 200, None);
        assert_noop!(submit(input(MaxExternal::get() + 1)), Error::<Test>::InputTooLong);
        assert_ok!(submit(input(MaxExternal::get())));
        assert_eq!(held(ALICE).1, 1_000);
        assert_eq!(record(LastTask::<Test>::get()).input, Cid::of(b"large"));
    });
}

#[test]
fn submit_should_take_the_largest_payload_and_parameters() {
    ExtBuilder.build_and_execute(|| {
        let parameters = vec![0; MAX_PARAMETERS as usize].try_into().unwrap();
        let input = inline(&vec![0; MAX_INLINE as usize]);
        assert_ok!(Tasks::submit(signed(ALICE), MODEL, parameters, input, 200, None));
        assert_eq!(held(ALICE).1, 1_000 + 2 * Balance::from(MAX_INLINE + MAX_PARAMETERS));
    });
}

#[test]
fn submit_should_weigh_by_the_bytes_that_it_stores() {
    use frame_support::dispatch::GetDispatchInfo;
    let weight = |input| {
        let call =
            crate::Call::<Test>::submit { model: MODEL, parameters: Default::default(), input, fee: 0, deadline: None };
        call.get_dispatch_info().call_weight
    };
    assert_eq!(weight(inline(b"hello")), Weight::from_parts(5, 0));
    assert_eq!(weight(Payload::External { cid: Cid::of(b""), length: 900 }), Weight::zero());
}

#[test]
fn submit_should_fail_when_the_model_is_unknown() {
    ExtBuilder.build_and_execute(|| {
        let unknown = assay_types::ModelId::repeat_byte(8);
        assert_noop!(
            Tasks::submit(signed(ALICE), unknown, Default::default(), inline(b"x"), 200, None),
            DispatchError::Other("mock: unknown model")
        );
    });
}

#[test]
fn submit_should_fail_when_the_balance_does_not_suffice() {
    ExtBuilder.build_and_execute(|| {
        let submit = |fee| Tasks::submit(signed(ALICE), MODEL, Default::default(), inline(b"x"), fee, None);
        // The fee fits, the deposit does not any more; the existential deposit stays free.
        assert_noop!(submit(ENDOWMENT), TokenError::FundsUnavailable);
        assert_noop!(submit(ENDOWMENT - 1_002 - 9), TokenError::FundsUnavailable);
        assert_ok!(submit(ENDOWMENT - 1_002 - 10));
    });
}

#[test]
fn submit_should_fail_when_the_deposit_overflows() {
    ExtBuilder.build_and_execute(|| {
        let submit = || Tasks::submit(signed(ALICE), MODEL, Default::default(), inline(b"xx"), 200, None);
        ByteDeposit::set(Balance::MAX);
        assert_noop!(submit(), Error::<Test>::Overflow);
        ByteDeposit::set(1);
        BaseDeposit::set(Balance::MAX);
        assert_noop!(submit(), Error::<Test>::Overflow);
    });
}

#[test]
fn submit_should_fail_when_not_signed() {
    ExtBuilder.build_and_execute(|| {
        assert_noop!(
            Tasks::submit(RuntimeOrigin::root(), MODEL, Default::default(), inline(b"x"), 200, None),
            DispatchError::BadOrigin
        );
    });
}
