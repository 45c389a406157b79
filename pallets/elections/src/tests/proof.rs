use super::*;

/// Three candidates commit in tenures 2 to 4, all of which are drawn then.
fn three_elections() -> Vec<u64> {
    let who = candidates(3);
    for _ in 2..5 {
        for who in &who {
            assert_ok!(commit(*who, 10));
        }
        next_tenure();
    }
    next_tenure();
    who
}

#[test]
fn a_proof_should_name_all_that_a_draw_was_made_of() {
    run(|| {
        let who = three_elections();
        let keys = Elections::proof_keys(4);
        let before = Draws::<Test>::get(3).unwrap();
        let mut needed = vec![
            Draws::<Test>::hashed_key_for(4),
            Draws::<Test>::hashed_key_for(3),
            Commits::<Test>::hashed_key_for(3, before.seats[0]),
            frame_system::BlockHash::<Test>::hashed_key_for(0),
        ];
        needed.extend(who.iter().map(|who| Commits::<Test>::hashed_key_for(4, who)));
        for key in &needed {
            assert!(keys.contains(key));
        }
        // What is left is the prefix of all commitments of the tenure, and of nothing else.
        let rest: Vec<_> = keys.iter().filter(|key| !needed.contains(key)).collect();
        assert_eq!(rest.len(), 1);
        assert!(who.iter().all(|who| Commits::<Test>::hashed_key_for(4, who).starts_with(rest[0])));
        assert!(!Commits::<Test>::hashed_key_for(3, who[0]).starts_with(rest[0]));
        // Commitments are over what the draw before began with.
        let genesis = System::block_hash(0);
        for who in who {
            let Commit { vrf_key, vrf_proof, vrf_output, .. } = Commits::<Test>::get(4, who).unwrap();
            let output = election::vrf_output(&vrf_key, &genesis, 4, &before.before, &who, &vrf_proof);
            assert_eq!(output, Some(vrf_output));
        }
    });
}

#[test]
fn a_proof_should_need_no_draw_before_where_nobody_committed() {
    run(|| {
        next_tenure();
        next_tenure();
        let keys = Elections::proof_keys(0);
        assert_eq!(keys.len(), 3);
        assert!(keys.contains(&Draws::<Test>::hashed_key_for(0)));
    });
}

#[test]
fn a_proof_should_be_empty_where_something_is_missing() {
    type Spoil = fn(&[u64]);
    let spoils: [Spoil; 4] = [
        |_| Draws::<Test>::remove(4),
        |_| Draws::<Test>::remove(3),
        |who| Commits::<Test>::remove(4, who[1]),
        |_| {
            let first = Draws::<Test>::get(3).unwrap().seats[0];
            Commits::<Test>::remove(3, first);
        },
    ];
    for spoil in spoils {
        new_test_ext().execute_with(|| {
            let who = three_elections();
            assert!(!Elections::proof_keys(4).is_empty());
            assert!(Elections::proof_keys(5).is_empty(), "it has not been drawn");
            spoil(&who);
            assert!(Elections::proof_keys(4).is_empty());
        });
    }
}
