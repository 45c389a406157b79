//! What the pallet does beyond its calls: counting, judging, paying, the sweeper.

use crate::{
    pallet::*,
    types::{Ballot, Dispute, Outcome, Tally},
    verdict::{reward_share, BallotFate, Fate},
    weights::WeightInfo,
};
use alloc::collections::{BTreeMap, BTreeSet};
use assay_traits::{
    Committee, ModelRegistry, OnDisputeResolved, SolutionBook, SolverStake, StakeEscrow, TaskBook, TaskState, Verdict,
};
use assay_types::{Balance, BlockNumber, ResultId, TaskId};
use frame_support::{
    ensure,
    pallet_prelude::{BoundedVec, DispatchResult, Weight},
    storage::with_storage_layer,
    traits::Get,
    weights::WeightMeter,
};
use sp_runtime::{traits::BlockNumberProvider, TryRuntimeError};

impl<T: Config> Pallet<T> {
    pub(crate) fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }

    /// Checks that results may be opened now.
    pub(crate) fn ensure_opening(dispute: &Dispute<T::AccountId>) -> DispatchResult {
        let now = Self::now();
        ensure!(now > dispute.votes_until, Error::<T>::OpeningNotBegun);
        ensure!(now <= dispute.opens_until, Error::<T>::OpeningOver);
        Ok(())
    }

    /// Lists the members of the committee who must vote in a dispute: those who serve the model, may vote, and are not
    /// parties.
    pub(crate) fn oblige_committee(task: &TaskId, dispute: &Dispute<T::AccountId>) {
        let obliged = T::Committee::members().into_iter().filter(|member| {
            *member != dispute.solver
                && *member != dispute.contester
                && T::Models::serves(&dispute.model, member)
                && T::Stake::ensure_eligible(member).is_ok()
        });
        let mut absent = BoundedVec::<T::AccountId, T::MaxCommittee>::new();
        for member in obliged {
            // `integrity_test` has seen that there is room for all.
            if absent.try_push(member).is_err() {
                break;
            }
        }
        if !absent.is_empty() {
            Absent::<T>::insert(task, absent);
        }
    }

    /// Takes `who` from the list of those who must vote; returns whether it was on it.
    pub(crate) fn excuse(task: &TaskId, who: &T::AccountId) -> bool {
        let Some(mut absent) = Absent::<T>::get(task) else {
            return false;
        };
        let before = absent.len();
        absent.retain(|member| member != who);
        let excused = absent.len() < before;
        if absent.is_empty() {
            Absent::<T>::remove(task);
        } else if excused {
            Absent::<T>::insert(task, absent);
        }
        excused
    }

    /// Counts `weight` for `result`: that of a party, or of the voter of `ballot`.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub(crate) fn count(
        task: &TaskId,
        dispute: &mut Dispute<T::AccountId>,
        result: ResultId,
        weight: Balance,
        ballot: Option<&Ballot>,
    ) -> DispatchResult {
        let mut tally = Tallies::<T>::get(task, result).unwrap_or_default();
        tally.weight = tally.weight.checked_add(weight).ok_or(Error::<T>::Overflow)?;
        if let Some(ballot) = ballot {
            let votes = &mut dispute.votes;
            votes.opened = votes.opened.checked_add(1).ok_or(Error::<T>::Overflow)?;
            votes.opened_stake = votes.opened_stake.checked_add(ballot.stake).ok_or(Error::<T>::Overflow)?;
            votes.opened_weight = votes.opened_weight.checked_add(weight).ok_or(Error::<T>::Overflow)?;
            tally.voters = tally.voters.checked_add(weight).ok_or(Error::<T>::Overflow)?;
            tally.stakes = tally.stakes.checked_add(ballot.stake).ok_or(Error::<T>::Overflow)?;
            tally.stored = tally.stored.checked_add(1).ok_or(Error::<T>::Overflow)?;
        }
        if dispute.solution_result != Some(result) && dispute.leader != Some(result) {
            let leading = dispute.leader.and_then(|leader| Tallies::<T>::get(task, leader)).unwrap_or_default();
            if tally.weight > leading.weight {
                dispute.leader = Some(result);
            }
        }
        Tallies::<T>::insert(task, result, tally);
        Ok(())
    }

    /// What was opened for `result`.
    fn tally(task: &TaskId, result: Option<ResultId>) -> Tally {
        result.and_then(|result| Tallies::<T>::get(task, result)).unwrap_or_default()
    }

    /// Settles a dispute whose time the caller has checked. The caller's storage layer takes everything back on an error.
    pub(crate) fn do_settle(task: TaskId, mut dispute: Dispute<T::AccountId>) -> DispatchResult {
        let judgement =
            dispute.judge(&Self::tally(&task, dispute.solution_result), &Self::tally(&task, dispute.leader));
        let verdict = judgement.verdict;
        if verdict == Verdict::Stands {
            T::Solutions::uphold(&task)?;
        } else {
            T::Solutions::strike(&task)?;
        }
        // A solution that stood has its stake back already.
        let solver_lost =
            if verdict == Verdict::Stands { 0 } else { Self::collect(&dispute, &dispute.solver, judgement.solver) };
        let contester_lost = Self::collect(&dispute, &dispute.contester, judgement.contester);

        // Charges go to the treasury whole; what was lost is shared.
        let taken = |fate: Fate| {
            [(judgement.solver, solver_lost), (judgement.contester, contester_lost)]
                .into_iter()
                .filter(|(suffered, _)| *suffered == fate)
                .fold(0, |sum: Balance, (_, amount)| sum.saturating_add(amount))
        };
        let charges = taken(Fate::Charged);
        let pot = taken(Fate::Lost).saturating_add(judgement.lost_stakes);
        let party_half = pot / 2;
        let voters_half = pot.saturating_sub(party_half);
        let party = match verdict {
            Verdict::Falls if judgement.contester == Fate::Free => Some(&dispute.contester),
            Verdict::Falls => None,
            Verdict::Stands => Some(&dispute.solver),
            // The solver was hindered without a ground.
            Verdict::Inconclusive if judgement.contester == Fate::Lost => Some(&dispute.solver),
            Verdict::Inconclusive => None,
        };
        let party_reward = if party.is_some() { party_half } else { 0 };
        let voters_reward = if judgement.winners > 0 { voters_half } else { 0 };
        if let Some(party) = party {
            T::Stake::award(party, party_reward);
        }
        let unearned = pot.saturating_sub(party_reward).saturating_sub(voters_reward);
        T::Stake::forfeit(charges.saturating_add(unearned));

        for result in [dispute.solution_result, dispute.contester_result].into_iter().flatten() {
            // A result that only parties gave has no ballot that would take its tally away.
            if Tallies::<T>::get(task, result).is_some_and(|tally| tally.stored == 0) {
                Tallies::<T>::remove(task, result);
            }
        }
        dispute.outcome = Some(Outcome {
            verdict,
            winner: judgement.winner,
            reward: voters_reward,
            weight: judgement.winners,
            pulled: 0,
            settled_at: Self::now(),
        });
        Self::deposit_event(Event::Resolved {
            task,
            verdict,
            winner: judgement.winner,
            solver_lost,
            contester_lost,
            party_reward,
            voters_reward,
        });
        T::OnDisputeResolved::on_dispute_resolved(&task, &dispute.model, &dispute.solver, &dispute.contester, verdict);
        Self::store_or_close(task, dispute);
        Ok(())
    }

    /// Does with the pledge of a party what the judgement says; returns what it lost.
    fn collect(dispute: &Dispute<T::AccountId>, party: &T::AccountId, fate: Fate) -> Balance {
        let amount = match fate {
            Fate::Free => 0,
            Fate::Charged => dispute.charge,
            Fate::Lost => dispute.stake,
        };
        T::Stake::confiscate(party, dispute.stake, amount)
    }

    /// Pays out, or drops, a ballot of a dispute with this outcome.
    pub(crate) fn do_pull(
        task: TaskId,
        voter: T::AccountId,
        mut dispute: Dispute<T::AccountId>,
        mut outcome: Outcome,
        ballot: Ballot,
    ) {
        let fate = dispute.ballot_fate(outcome.verdict, outcome.winner, ballot.result);
        let stake = if fate == BallotFate::Lost { 0 } else { ballot.stake };
        let reward =
            if fate == BallotFate::Won { reward_share(outcome.reward, ballot.weight, outcome.weight) } else { 0 };
        if stake > 0 {
            T::Stake::restore(&voter, stake);
        }
        if reward > 0 {
            T::Stake::award(&voter, reward);
        }
        outcome.pulled = outcome.pulled.saturating_add(reward);
        dispute.outcome = Some(outcome);
        dispute.votes.stored = dispute.votes.stored.saturating_sub(1);
        Ballots::<T>::remove(task, &voter);
        if let Some(result) = ballot.result {
            Tallies::<T>::mutate_exists(task, result, |entry| {
                if let Some(tally) = entry {
                    tally.stored = tally.stored.saturating_sub(1);
                    if tally.stored == 0 {
                        *entry = None;
                    }
                }
            });
        }
        Self::deposit_event(Event::Pulled { task, voter, stake, reward });
        Self::store_or_close(task, dispute);
    }

    /// Charges a member of the committee that has been taken from the list of the absent.
    pub(crate) fn do_charge(task: TaskId, dispute: &Dispute<T::AccountId>, member: T::AccountId) {
        // What it has taken out of its bond since is charged too: else leaving would be free.
        let charge = BALLOT_STAKE.mul_ceil(T::Stake::liable(&member, dispute.opened_at)).min(dispute.stake);
        let amount = T::Stake::slash(&member, charge, dispute.opened_at);
        T::Stake::forfeit(amount);
        Self::deposit_event(Event::AbsentCharged { task, member, amount });
        Self::store_or_close(task, dispute.clone());
    }

    /// Stores a dispute that is settled, or closes it if nothing of it is left.
    fn store_or_close(task: TaskId, dispute: Dispute<T::AccountId>) {
        let left = dispute.votes.stored > 0 || Absent::<T>::contains_key(task);
        if left {
            Disputes::<T>::insert(task, dispute);
            return;
        }
        if let Some(outcome) = dispute.outcome {
            // What rounding left of the winners' reward.
            T::Stake::forfeit(outcome.reward.saturating_sub(outcome.pulled));
        }
        Disputes::<T>::remove(task);
        Self::deposit_event(Event::Closed { task });
    }

    /// Weight, at worst, of telling others of a verdict and of the settlement of the task.
    pub(crate) fn news_weight() -> Weight {
        T::OnDisputeResolved::weight().saturating_add(T::Tasks::settled_news_weight())
    }

    /// Weight, at worst, of charging a member of the committee in a sweep.
    fn charge_weight() -> Weight {
        T::WeightInfo::sweep_charge().saturating_add(T::Stake::slash_weight())
    }

    /// Looks at up to [`Config::SweepBatch`] disputes and as many ballots, by turns, from where it stopped the last time:
    /// settles, charges and pulls what nobody has called for. Each ends its round at its last entry; the next block
    /// begins another.
    pub(crate) fn sweep(meter: &mut WeightMeter) {
        if meter.try_consume(T::WeightInfo::sweep_base()).is_err() {
            return;
        }
        let dearest_dispute = T::WeightInfo::sweep_dispute_skip()
            .max(T::WeightInfo::sweep_settle().saturating_add(Self::news_weight()))
            .max(Self::charge_weight());
        let dearest_ballot = T::WeightInfo::sweep_ballot_skip().max(T::WeightInfo::sweep_pull());
        let mut dispute = DisputeCursor::<T>::get();
        let mut ballot = BallotCursor::<T>::get();
        let (mut more_disputes, mut more_ballots) = (true, true);
        for _ in 0..T::SweepBatch::get() {
            if more_disputes && meter.can_consume(dearest_dispute) {
                dispute = Self::next_dispute(dispute);
                match dispute {
                    Some(task) => meter.consume(Self::sweep_dispute(task)),
                    None => more_disputes = false,
                }
            }
            if more_ballots && meter.can_consume(dearest_ballot) {
                ballot = Self::next_ballot(ballot);
                match &ballot {
                    Some((task, voter)) => meter.consume(Self::sweep_ballot(*task, voter.clone())),
                    None => more_ballots = false,
                }
            }
        }
        DisputeCursor::<T>::set(dispute);
        BallotCursor::<T>::set(ballot);
    }

    /// The task of the dispute after that of `last`.
    pub(crate) fn next_dispute(last: Option<TaskId>) -> Option<TaskId> {
        match last {
            Some(last) => Disputes::<T>::iter_keys_from(Disputes::<T>::hashed_key_for(last)).next(),
            None => Disputes::<T>::iter_keys().next(),
        }
    }

    /// The ballot after `last`.
    pub(crate) fn next_ballot(last: Option<(TaskId, T::AccountId)>) -> Option<(TaskId, T::AccountId)> {
        match last {
            Some((task, voter)) => Ballots::<T>::iter_keys_from(Ballots::<T>::hashed_key_for(task, voter)).next(),
            None => Ballots::<T>::iter_keys().next(),
        }
    }

    /// Whether the sweeper may do what others could since block `since`.
    fn overdue(since: BlockNumber) -> bool {
        Self::now() > since.saturating_add(T::SweepDelay::get())
    }

    /// One step of the sweeper over disputes; returns its weight.
    pub(crate) fn sweep_dispute(task: TaskId) -> Weight {
        let Some(dispute) = Disputes::<T>::get(task) else {
            return T::WeightInfo::sweep_dispute_skip();
        };
        match &dispute.outcome {
            None if Self::overdue(dispute.opens_until) => {
                if let Err(error) = with_storage_layer(|| Self::do_settle(task, dispute)) {
                    Self::deposit_event(Event::SweepFailed { task, error });
                }
                T::WeightInfo::sweep_settle().saturating_add(Self::news_weight())
            }
            Some(outcome) if Self::overdue(outcome.settled_at) => {
                let member = Absent::<T>::get(task).and_then(|absent| absent.first().cloned());
                match member {
                    Some(member) if Self::excuse(&task, &member) => {
                        Self::do_charge(task, &dispute, member);
                        Self::charge_weight()
                    }
                    _ => T::WeightInfo::sweep_dispute_skip(),
                }
            }
            _ => T::WeightInfo::sweep_dispute_skip(),
        }
    }

    /// One step of the sweeper over ballots; returns its weight.
    pub(crate) fn sweep_ballot(task: TaskId, voter: T::AccountId) -> Weight {
        let due = Disputes::<T>::get(task).zip(Ballots::<T>::get(task, &voter)).and_then(|(dispute, ballot)| {
            let outcome = dispute.outcome.clone().filter(|outcome| Self::overdue(outcome.settled_at))?;
            Some((dispute, outcome, ballot))
        });
        let Some((dispute, outcome, ballot)) = due else {
            return T::WeightInfo::sweep_ballot_skip();
        };
        Self::do_pull(task, voter, dispute, outcome, ballot);
        T::WeightInfo::sweep_pull()
    }

    /// What is still due out of the escrow to one dispute: the stakes of ballots that have not been pulled and are not
    /// lost, and the rest of the winners' reward; before the verdict, the stakes of all ballots.
    fn due(task: &TaskId, dispute: &Dispute<T::AccountId>) -> Balance {
        let Some(outcome) = &dispute.outcome else {
            return dispute.votes.staked;
        };
        let stakes = Ballots::<T>::iter_prefix_values(task)
            .filter(|ballot| dispute.ballot_fate(outcome.verdict, outcome.winner, ballot.result) != BallotFate::Lost)
            .fold(0, |sum: Balance, ballot| sum.saturating_add(ballot.stake));
        stakes.saturating_add(outcome.reward.saturating_sub(outcome.pulled))
    }

    /// Checks what must always hold:
    ///
    /// 1. The parties of a dispute are two, and its phases are in order and not empty.
    /// 2. The task of a dispute without a verdict is disputed, and its solution is the one that is contested; that of a
    ///    dispute with a verdict has ended.
    /// 3. Votes and tallies are recounts of the ballots and of what the parties opened; no ballot and no tally is without
    ///    its dispute; nothing is opened while ballots are taken.
    /// 4. The leader is the heaviest of the results that are not the solution's.
    /// 5. The escrow holds what is due to all disputes, and nothing else.
    /// 6. Those who must vote have no ballot, and are on no list without a dispute.
    /// 7. A dispute with a verdict has something left to be pulled or charged, and paid no more than it had.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let now = Self::now();
        let mut due: Balance = 0;
        let mut disputes = BTreeSet::new();
        for (task, dispute) in Disputes::<T>::iter() {
            disputes.insert(task);
            ensure!(dispute.solver != dispute.contester, "contestation: one party on both sides");
            ensure!(
                dispute.opened_at <= now
                    && dispute.opened_at < dispute.votes_until
                    && dispute.votes_until < dispute.opens_until,
                "contestation: phases out of order"
            );
            let view = T::Tasks::view(&task);
            match &dispute.outcome {
                None => {
                    let solution = T::Solutions::standing(&task).ok_or("contestation: no solution is contested")?;
                    ensure!(
                        view.is_some_and(|view| view.state == TaskState::Disputed)
                            && solution.solver == dispute.solver
                            && solution.stake == dispute.stake
                            && solution.output == dispute.output,
                        "contestation: a dispute over something else than the solution"
                    );
                    Self::check_tallies(&task, &dispute)?;
                }
                Some(outcome) => {
                    ensure!(
                        view.is_none_or(|view| view.state.has_ended()),
                        "contestation: a task goes on after the verdict"
                    );
                    ensure!(
                        outcome.pulled <= outcome.reward && outcome.settled_at > dispute.opens_until,
                        "contestation: a verdict paid more than it had, or came too early"
                    );
                    ensure!(
                        dispute.votes.stored > 0 || Absent::<T>::contains_key(task),
                        "contestation: a dispute of which nothing is left"
                    );
                }
            }
            let stored = Ballots::<T>::iter_prefix(task).count();
            ensure!(usize::try_from(dispute.votes.stored) == Ok(stored), "contestation: ballots are not counted right");
            due = due.saturating_add(Self::due(&task, &dispute));
        }
        ensure!(T::Stake::escrowed() == due, "contestation: the escrow is not what is due");
        ensure!(
            Ballots::<T>::iter_keys().all(|(task, _)| disputes.contains(&task)),
            "contestation: a ballot without its dispute"
        );
        ensure!(
            Tallies::<T>::iter_keys().all(|(task, _)| disputes.contains(&task)),
            "contestation: a tally without its dispute"
        );
        for (task, absent) in Absent::<T>::iter() {
            ensure!(disputes.contains(&task) && !absent.is_empty(), "contestation: a list without its dispute");
            ensure!(
                absent.iter().all(|member| !Ballots::<T>::contains_key(task, member)),
                "contestation: one who has voted is absent"
            );
        }
        Ok(())
    }

    /// Recounts what was opened in a dispute that is not settled.
    fn check_tallies(task: &TaskId, dispute: &Dispute<T::AccountId>) -> Result<(), TryRuntimeError> {
        let mut votes = crate::Votes::default();
        let mut tallies = BTreeMap::<ResultId, Tally>::new();
        for ballot in Ballots::<T>::iter_prefix_values(task) {
            votes.stored = votes.stored.saturating_add(1);
            votes.staked = votes.staked.saturating_add(ballot.stake);
            ensure!(ballot.stake <= dispute.stake, "contestation: a ballot stakes more than a party");
            if let Some(result) = ballot.result {
                votes.opened = votes.opened.saturating_add(1);
                votes.opened_stake = votes.opened_stake.saturating_add(ballot.stake);
                votes.opened_weight = votes.opened_weight.saturating_add(ballot.weight);
                let tally = tallies.entry(result).or_default();
                tally.weight = tally.weight.saturating_add(ballot.weight);
                tally.voters = tally.voters.saturating_add(ballot.weight);
                tally.stakes = tally.stakes.saturating_add(ballot.stake);
                tally.stored = tally.stored.saturating_add(1);
            }
        }
        ensure!(votes == dispute.votes, "contestation: the votes are not a recount");
        let solver_result = dispute.solution_result.filter(|_| dispute.solver_opened);
        for (result, weight) in
            [(solver_result, dispute.solver_weight), (dispute.contester_result, dispute.contester_weight)]
        {
            if let Some(result) = result {
                let tally = tallies.entry(result).or_default();
                tally.weight = tally.weight.saturating_add(weight);
            }
        }
        let opened = !tallies.is_empty();
        ensure!(!opened || Self::now() > dispute.votes_until, "contestation: something was opened too early");
        ensure!(
            Tallies::<T>::iter_prefix(task).collect::<BTreeMap<_, _>>() == tallies,
            "contestation: the tallies are not a recount"
        );
        let weight =
            |result: Option<ResultId>| result.and_then(|result| tallies.get(&result)).map_or(0, |tally| tally.weight);
        let heaviest = tallies
            .keys()
            .copied()
            .filter(|result| Some(*result) != dispute.solution_result)
            .map(Some)
            .map(weight)
            .max();
        ensure!(
            dispute.leader.is_none_or(|leader| dispute.solution_result != Some(leader))
                && weight(dispute.leader) == heaviest.unwrap_or_default(),
            "contestation: the leader is not the heaviest other result"
        );
        Ok(())
    }
}
