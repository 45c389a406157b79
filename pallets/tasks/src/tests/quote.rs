use super::*;
use assay_traits::mock::MockRewards;
use assay_types::{ModelId, ASY};

#[test]
fn quote_should_be_the_reward_of_a_task_with_that_fee() {
    ExtBuilder.build_and_execute(|| {
        assert_eq!(Tasks::quote(&MODEL, 1_100), Some(ASY / 2));
        assert_eq!(MockRewards::sunk_fee(), 100);
        assert_eq!(MockRewards::reserved(), 0);
    });
}

#[test]
fn quote_should_be_none_when_the_task_would_not_be_taken() {
    ExtBuilder.build_and_execute(|| {
        assert_eq!(Tasks::quote(&MODEL, MODEL_FEE - 1), None);
        assert!(Tasks::quote(&MODEL, MODEL_FEE).is_some());
        assert_eq!(Tasks::quote(&ModelId::repeat_byte(8), 1_100), None);
    });
}
