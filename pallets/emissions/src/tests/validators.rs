use super::*;

fn fund_pot(amount: Balance) {
    Balances::force_set_balance(RuntimeOrigin::root(), VALIDATORS, amount).unwrap();
    take_events();
}

#[test]
fn pay_validators_should_share_equally_and_leave_the_dust() {
    ExtBuilder::default().build_and_execute(|| {
        // One unit is the existential deposit, which keeps the pot alive.
        fund_pot(1 + 3 * 33 + 2);
        Emissions::pay_validators(&[11, 12, 13]);
        assert_eq!([11, 12, 13].map(Balances::free_balance), [33; 3]);
        assert_eq!(Balances::free_balance(VALIDATORS), 3);
        assert_eq!(take_events(), [Event::ValidatorsPaid { share: 33, paid: 3 }]);
    });
}

#[test]
fn pay_validators_should_do_nothing_without_validators_or_without_a_pot() {
    ExtBuilder::default().build_and_execute(|| {
        Emissions::pay_validators(&[11]);
        fund_pot(1);
        Emissions::pay_validators(&[11]);
        fund_pot(100);
        Emissions::pay_validators(&[]);
        // Too little for a unit each.
        fund_pot(3);
        Emissions::pay_validators(&[11, 12, 13]);
        assert!(take_events().is_empty());
        assert_eq!(issuance(), 3);
    });
}

#[test]
fn pay_validators_should_keep_a_share_that_cannot_be_taken() {
    ExtBuilder::default().existential_deposit(50).build_and_execute(|| {
        Balances::force_set_balance(RuntimeOrigin::root(), 11, 50).unwrap();
        fund_pot(50 + 80);
        Emissions::pay_validators(&[11, 12]);
        assert_eq!((Balances::free_balance(11), Balances::free_balance(12)), (90, 0));
        assert_eq!(Balances::free_balance(VALIDATORS), 90);
        assert_eq!(take_events(), [Event::ValidatorsPaid { share: 40, paid: 1 }]);
    });
}

#[test]
fn pay_validators_should_pay_no_more_than_its_weight_allows() {
    ExtBuilder::default().build_and_execute(|| {
        let many: Vec<u64> = (1_000..1_000 + u64::from(MAX_PAID_VALIDATORS) + 1).collect();
        fund_pot(1 + Balance::from(MAX_PAID_VALIDATORS));
        Emissions::pay_validators(&many);
        assert_eq!(take_events(), [Event::ValidatorsPaid { share: 1, paid: MAX_PAID_VALIDATORS }]);
        assert_eq!(Balances::free_balance(many[many.len() - 1]), 0);
    });
}
