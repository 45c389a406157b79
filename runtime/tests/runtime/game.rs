//! What cheating, lying, laziness and griefing bring, played on the real runtime and written into docs/disputes.md: the
//! table there is this test's output, and the test fails when it is not.
//!
//! Amounts are in multiples of what the task is worth to its solver, its fee and its whole reward together.

use crate::common::world::*;
use assay_runtime::{parameters::dynamic_params::disputes, System};
use assay_traits::Verdict;
use assay_types::{protocol, Cid, TraceDigest};
use frame_support::{assert_ok, traits::Get};
use std::{fmt::Write, path::PathBuf, sync::LazyLock};

/// Voters in every dispute; each has as much bond as a party.
const VOTERS: u8 = 20;
/// How many of them lie, or do not compute.
const DISHONEST: [u8; 7] = [0, 2, 5, 8, 9, 11, 14];

/// Production's quorum: ballots, and their weight in multiples of the heavier party's. Stakes and shares are the same on all
/// networks.
static QUORUM: LazyLock<(u32, u32)> = LazyLock::new(|| {
    let quorum = || -> (u32, u32) { (disputes::QuorumBallots::get(), disputes::QuorumWeight::get()) };
    crate::common::genesis("production").execute_with(quorum)
});

/// What a dispute brought, in hundredths of what the task is worth.
struct Played {
    verdict: Verdict,
    solver: i128,
    contester: i128,
    honest: i128,
    dishonest: i128,
}

/// What one whose result is not computed does.
#[derive(Clone, Copy, PartialEq)]
enum Vice {
    /// It votes for the lie, or against the truth, together with all others who lie.
    Lies,
    /// It votes for the public output with a trace that it has guessed.
    Lazy,
}

/// A dispute to be played.
struct Scene {
    /// What is contested.
    solution: Answer,
    /// What the contester opens; `None` if it opens nothing.
    contest: Option<Answer>,
    /// Voters who compute and tell the truth.
    honest: u8,
    /// Voters with a vice.
    dishonest: u8,
    vice: Vice,
}

fn play(Scene { solution, contest, honest, dishonest, vice }: Scene) -> Played {
    let mut played = None;
    let (ballots, weight) = *QUORUM;
    World::run(ballots, weight, |world| {
        let voters: Vec<u8> = (10..10 + honest + dishonest).collect();
        let (honest, others) = voters.split_at(usize::from(honest));
        world.solvers(&[1, 2], BOND);
        world.solvers(&voters, BOND);
        let before = |accounts: &[u8]| WEALTH as i128 * accounts.len() as i128;
        let task = world.solved(1, solution);
        let worth = worth(task) as i128;
        assert_ok!(world.contest(2, task, contest.unwrap_or(OTHER_FALSE)));
        honest.iter().for_each(|voter| {
            assert_ok!(world.vote(*voter, task, TRUE));
        });
        let (cid, guess) = (Cid::of(&output(solution)), TraceDigest::repeat_byte(0xee));
        for voter in others {
            match vice {
                Vice::Lies => {
                    assert_ok!(world.vote(*voter, task, FALSE));
                }
                Vice::Lazy => {
                    let seal = protocol::ballot_seal(&System::block_hash(0), &task, &who(*voter), &cid, &guess, &SALT);
                    assert_ok!(world.call(*voter, pallet_contestation::Call::vote { task, seal }));
                }
            }
        }
        world.pass(7);
        if let Some(contest) = contest {
            assert_ok!(world.open(2, task, contest));
        }
        assert_ok!(world.open_solution(1, task, solution));
        honest.iter().for_each(|voter| {
            assert_ok!(world.open(*voter, task, TRUE));
        });
        for voter in others {
            match vice {
                Vice::Lies => {
                    assert_ok!(world.open(*voter, task, FALSE));
                }
                Vice::Lazy => {
                    let call = pallet_contestation::Call::open { task, output: cid, trace: guess, salt: SALT };
                    assert_ok!(world.call(*voter, call));
                }
            }
        }
        let verdict = world.close(task);
        let net = |accounts: &[u8]| (wealth(accounts) as i128 - before(accounts)) * 100 / worth;
        played = Some(Played {
            verdict,
            solver: net(&[1]),
            contester: net(&[2]),
            honest: net(honest),
            dishonest: net(others),
        });
    });
    played.expect("the dispute was played")
}

fn amount(hundredths: i128) -> String {
    format!("{}{}.{:02}", if hundredths < 0 { "-" } else { "+" }, hundredths.abs() / 100, hundredths.abs() % 100)
}

fn rows(table: &mut String, solution: Answer, contest: Answer, vice: Vice) {
    for dishonest in DISHONEST {
        let scene = Scene { solution, contest: Some(contest), honest: VOTERS - dishonest, dishonest, vice };
        let played = play(scene);
        let share = 100 * u32::from(dishonest) / u32::from(VOTERS);
        writeln!(
            table,
            "| {share} % | {:?} | {} | {} | {} | {} |",
            played.verdict,
            amount(played.solver),
            amount(played.contester),
            amount(played.honest),
            amount(played.dishonest)
        )
        .expect("strings can be written to");
    }
}

fn table() -> String {
    let mut table = String::new();
    for (title, solution, contest, vice) in [
        ("A wrong answer, contested with the right one; the dishonest voters defend it", FALSE, TRUE, Vice::Lies),
        ("The right answer, contested with a wrong one; the dishonest voters back the contester", TRUE, FALSE, Vice::Lies),
        ("The right answer, contested with a wrong one; the dishonest voters did not compute and vote for the public output", TRUE, FALSE, Vice::Lazy),
        ("A wrong answer, contested with the right one; the dishonest voters did not compute and vote for the public output", FALSE, TRUE, Vice::Lazy),
    ] {
        write!(
            table,
            "\n**{title}.**\n\n| dishonest weight of voters | verdict | solver | contester | honest voters | dishonest voters |\n\
             |---|---|---|---|---|---|\n"
        )
        .expect("strings can be written to");
        rows(&mut table, solution, contest, vice);
    }
    table.push_str(&griefing());
    table
}

/// Contests that only do harm, in a model that nobody else serves and in one that many serve.
fn griefing() -> String {
    let mut table = String::from(
        "\n**Contests that only hinder; whoever votes is honest.**\n\n\
         | contest | voters | verdict | solver | contester | voters |\n|---|---|---|---|---|---|\n",
    );
    for (what, solution, contest) in [
        ("the right answer, with a wrong one", TRUE, Some(FALSE)),
        ("the right answer, and nothing is opened", TRUE, None),
        ("the own wrong answer, and nothing is opened", FALSE, None),
    ] {
        for voters in [0, VOTERS] {
            let scene = Scene { solution, contest, honest: voters, dishonest: 0, vice: Vice::Lies };
            let played = play(scene);
            let [solver, contester, honest] = [played.solver, played.contester, played.honest].map(amount);
            writeln!(table, "| {what} | {voters} | {:?} | {solver} | {contester} | {honest} |", played.verdict)
                .expect("strings can be written to");
        }
    }
    table
}

#[test]
fn the_table_in_the_docs_is_current() {
    const BEGIN: &str = "<!-- table: begin -->\n";
    const END: &str = "\n<!-- table: end -->";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/disputes.md");
    let text = std::fs::read_to_string(&path).expect("docs/disputes.md is there");
    let begin = text.find(BEGIN).expect("the table begins") + BEGIN.len();
    let end = text.find(END).expect("the table ends");
    let table = table();
    if std::env::var("ASSAY_UPDATE").is_ok() {
        let new = format!("{}{table}{}", &text[..begin], &text[end..]);
        std::fs::write(&path, new).expect("the file can be written");
        return;
    }
    assert!(
        text[begin..end] == table,
        "the table in docs/disputes.md is not what the runtime plays; \
         `ASSAY_UPDATE=1 SKIP_WASM_BUILD=1 cargo test --release --workspace the_table_in_the_docs_is_current` rewrites it"
    );
}
