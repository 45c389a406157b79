mod absent;
mod ballots;
mod contest;
mod random;
mod sweep;
mod verdicts;
