use super::*;

#[test]
fn note_author_should_mint_what_the_curve_schedules() {
    ExtBuilder::default().build_and_execute(|| {
        for block in 1..=3 {
            go_to(block);
            Emissions::note_author(&AUTHOR);
        }
        assert_eq!(Balances::free_balance(AUTHOR), 225 * MILLI_ASY);
        assert_eq!(MintedAuthors::<Test>::get(), 225 * MILLI_ASY);
        assert_eq!(MintedWork::<Test>::get(), 0);
        assert_eq!(take_events(), vec![Event::AuthorPaid { author: AUTHOR, amount: 75 * MILLI_ASY }; 3]);
    });
}

#[test]
fn note_author_should_halve_after_42_million_blocks() {
    ExtBuilder::default().build_and_execute(|| {
        go_to(42_000_000);
        Emissions::note_author(&AUTHOR);
        go_to(42_000_001);
        Emissions::note_author(&AUTHOR);
        assert_eq!(
            take_events(),
            [75 * MILLI_ASY, 75 * MILLI_ASY / 2].map(|amount| Event::AuthorPaid { author: AUTHOR, amount })
        );
    });
}

#[test]
fn note_author_should_not_pay_a_block_twice() {
    ExtBuilder::default().build_and_execute(|| {
        Emissions::note_author(&AUTHOR);
        Emissions::note_author(&SOLVER);
        assert_eq!(Balances::free_balance(SOLVER), 0);
        assert_eq!(issuance(), 75 * MILLI_ASY);
    });
}

#[test]
fn note_author_should_mint_nothing_when_the_curve_has_ended() {
    ExtBuilder::default().build_and_execute(|| {
        MintedAuthors::<Test>::put(6_299_999_999_370_000_000);
        for block in [42_000_000 * 40, u32::MAX] {
            go_to(block);
            Emissions::note_author(&AUTHOR);
        }
        assert_eq!(issuance(), 0);
        assert!(take_events().is_empty());
    });
}

#[test]
fn note_author_should_end_exactly_at_the_cap() {
    // The literal schedule of one source design is cut off by its cap in block 4,200,000.
    ExtBuilder::default().curves(Preset::FunLiteral.curves()).build_and_execute(|| {
        MintedAuthors::<Test>::put(1_500 * MILLI_ASY * 4_199_998);
        for block in 4_199_999..=4_200_005 {
            go_to(block);
            Emissions::note_author(&AUTHOR);
        }
        assert_eq!(MintedAuthors::<Test>::get(), 6_300_000 * ASY);
        assert_eq!(Balances::free_balance(AUTHOR), 3 * ASY);
    });
}

#[test]
fn note_author_should_pay_the_treasury_when_the_author_cannot_be_paid() {
    ExtBuilder::default().existential_deposit(100 * MILLI_ASY).build_and_execute(|| {
        let part = 75 * MILLI_ASY;
        // Nobody exists: the treasury cannot take it either.
        Emissions::note_author(&AUTHOR);
        assert_eq!(take_events(), [Event::Refused { who: AUTHOR, amount: part }, Event::Burned { amount: part }]);
        assert_eq!((issuance(), MintedAuthors::<Test>::get()), (0, part));

        Balances::force_set_balance(RuntimeOrigin::root(), TREASURY, ASY).unwrap();
        go_to(2);
        take_events();
        Emissions::note_author(&AUTHOR);
        assert_eq!(take_events(), [Event::Refused { who: AUTHOR, amount: part }]);
        assert_eq!(Balances::free_balance(TREASURY), ASY + part);
        assert_eq!(MintedAuthors::<Test>::get(), 2 * part);
    });
}
