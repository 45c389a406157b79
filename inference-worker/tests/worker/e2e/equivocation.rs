//! A validator whose keys run on two machines makes two blocks in one slot: the others report it, its seat bond is slashed,
//! and finality goes on.

use super::{reorg::validator, upgrade::Network, *};
use assay_worker::chain::api::{self, runtime};

/// The offence of an author, by its kind.
const TWO_BLOCKS: [u8; 16] = *b"babe:equivocatio";

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_runs_twice_is_slashed() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = genesis::hasty(genesis::current("local"));
    genesis::three_validators(&mut spec);
    genesis::validate_by_own_account(&mut spec, 1, "bob");
    let spec = genesis::write(folder.path(), spec);
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let [alice, bob, charlie] = ["alice", "bob", "charlie"].map(|name| validator(name, folder.path(), &spec));
    let twin = validator("bob", &elsewhere, &spec);
    let _alice_runs = alice.run(&[&bob, &charlie, &twin]);
    let _bob_runs = bob.run(&[&alice, &charlie, &twin]);
    let _charlie_runs = charlie.run(&[&alice, &bob, &twin]);
    let url = &alice.node.url();
    let chain = Chain::connect(url, PATIENCE).await.unwrap();
    let network = Network::connect(url).await;

    // Bob stands for the committee, with his conduct as a stake.
    network.send("bob", &api::tx().bonds().bond(50 * ASY)).await;
    mature(&chain, 0, &["bob"]).await;
    let stood = network.send("bob", &api::tx().elections().stand()).await;
    let held = network.seat_bond(stood.hash, "bob").await.expect("he stands");
    assert_eq!(held.leaves_at, None);

    let _twin_runs = twin.run(&[&alice, &bob, &charlie]);
    // Its two machines may vote for different blocks in one round of finality too, which is another offence, or not.
    let mut blamed = false;
    let mut punished = None;
    let (slashed, block, amount) = watch(&chain, stood.number, "the report of two blocks in a slot", async |at, _| {
        let events = network.events(at.hash()).await;
        blamed |= events.find::<runtime::offences::events::Offence>().any(|event| event.unwrap().kind == TWO_BLOCKS);
        let mut slashed = events.find::<runtime::elections::events::Slashed>().map(|event| event.unwrap());
        if let Some(slashed) = slashed.find(|event| event.who == account("bob")) {
            punished.get_or_insert((at.number(), at.hash(), slashed.amount));
        }
        punished.filter(|_| blamed)
    })
    .await;
    // One validator of three: the whole.
    assert_eq!(amount, held.amount);
    let left = network.seat_bond(block, "bob").await.expect("it is leaving");
    assert_eq!(left.amount, 0);
    assert!(left.leaves_at.is_some(), "he stands no longer");
    watch(&chain, slashed, "finality beyond the report", async |_, _| {
        (chain.finalized().await.unwrap().number() > slashed + 6).then_some(())
    })
    .await;
}
