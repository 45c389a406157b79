//! What the pallet does for other pallets.

use crate::{pallet::*, types::*, weights::WeightInfo, MAX_PAID_VALIDATORS, UNBOUNDED};
use assay_math::{bounded_reward, fixed::mul_div, multiplier, split_reward, tenure_allowance, EmissionCurve, Emitted};
use assay_traits::{Delegators, RewardSplit, WorkRewards};
use assay_types::{Balance, BlockNumber, ASY};
use frame_support::{
    dispatch::DispatchClass,
    ensure,
    traits::{
        fungible::{Inspect, Mutate},
        tokens::{Fortitude, Preservation},
        Get,
    },
};
use sp_runtime::{traits::SaturatedConversion, FixedPointNumber, FixedU128, TryRuntimeError};

impl<T: Config> Pallet<T> {
    fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// Mints what the curve schedules for this block to its `author`. To be called once in every block, by whoever
    /// learns who made it; a second call in one block is never paid beyond the schedule.
    ///
    /// Accounts for its own weight, because the hook that calls it reports none.
    pub fn note_author(author: &T::AccountId) {
        frame_system::Pallet::<T>::register_extra_weight_unchecked(
            T::WeightInfo::note_author(),
            DispatchClass::Mandatory,
        );
        let curve = EmissionCurves::<T>::get().authors;
        let minted = MintedAuthors::<T>::get();
        let now = Self::now();
        let amount = curve.scheduled_in(now).min(curve.scheduled(now).saturating_sub(minted));
        if amount == 0 {
            return;
        }
        MintedAuthors::<T>::put(minted.saturating_add(amount));
        let refused = Self::credit(author, amount);
        if refused == 0 {
            Self::deposit_event(Event::AuthorPaid { author: author.clone(), amount });
        }
        Self::credit_treasury(refused);
    }

    /// Shares the validators' pot equally between `validators`, at most [`MAX_PAID_VALIDATORS`] of them. What does not
    /// divide, and what an account cannot take, stays in the pot for the next time.
    ///
    /// The caller accounts for the weight, [`WeightInfo::pay_validators`].
    pub fn pay_validators(validators: &[T::AccountId]) {
        let paid_at_most = u32::try_from(validators.len()).unwrap_or(u32::MAX).min(MAX_PAID_VALIDATORS);
        let pot = T::Validators::get();
        let balance = T::Currency::reducible_balance(&pot, Preservation::Preserve, Fortitude::Polite);
        let share = balance.checked_div(paid_at_most.into()).unwrap_or_default();
        if share == 0 {
            return;
        }
        let paid = validators
            .iter()
            .take(paid_at_most as usize)
            .filter(|validator| T::Currency::transfer(&pot, validator, share, Preservation::Preserve).is_ok())
            .count();
        Self::deposit_event(Event::ValidatorsPaid { share, paid: paid.saturated_into() });
    }

    /// Mints `amount` to `who`; returns what it could not take.
    fn credit(who: &T::AccountId, amount: Balance) -> Balance {
        if amount == 0 || T::Currency::mint_into(who, amount).is_ok() {
            return 0;
        }
        Self::deposit_event(Event::Refused { who: who.clone(), amount });
        amount
    }

    /// Mints `amount` to the treasury; returns what it took. The rest is never minted.
    fn credit_treasury(amount: Balance) -> Balance {
        if amount == 0 || T::Currency::mint_into(&T::Treasury::get(), amount).is_ok() {
            return amount;
        }
        Self::deposit_event(Event::Burned { amount });
        0
    }

    fn allowance(curve: &EmissionCurve, since: BlockNumber) -> Balance {
        tenure_allowance(curve, since, T::TenureLength::get())
    }

    /// The use of the current tenure's allowance.
    fn tenure_use() -> TenureUse {
        let tenure = T::Tenure::get();
        let last = TenureReserved::<T>::get();
        if last.tenure == tenure && last.reserved > 0 {
            last
        } else {
            TenureUse { tenure, since: Self::now(), reserved: 0 }
        }
    }

    /// The reward under every bound, and the use of the tenure's allowance before it.
    fn fix_reward(rate: FixedU128, sunk_fee: Balance) -> (Balance, TenureUse) {
        let tenure = Self::tenure_use();
        let emitted = Emitted {
            minted: MintedWork::<T>::get(),
            reserved: ReservedWork::<T>::get(),
            tenure_since: tenure.since,
            tenure_reserved: tenure.reserved,
        };
        let per_sunk_fee = T::RewardPerSunkFee::get();
        let sunk = if per_sunk_fee == UNBOUNDED { Balance::MAX } else { per_sunk_fee.saturating_mul_int(sunk_fee) };
        let reward = bounded_reward(
            &EmissionCurves::<T>::get().work,
            rate.into_inner(),
            ASY,
            &emitted,
            Self::now(),
            T::TenureLength::get(),
            sunk,
        );
        (reward, tenure)
    }

    /// Takes `amount` out of what is reserved; returns what was there.
    fn take_reserved(amount: Balance) -> Balance {
        let reserved = ReservedWork::<T>::get();
        let taken = amount.min(reserved);
        if taken < amount {
            let amount = amount.saturating_sub(taken);
            Self::deposit_event(Event::Unexpected(UnexpectedKind::ReservationMissing { amount }));
        }
        ReservedWork::<T>::put(reserved.saturating_sub(taken));
        taken
    }

    pub(crate) fn emission_status() -> EmissionStatus {
        let curves = EmissionCurves::<T>::get();
        let now = Self::now();
        let (minted_work, reserved_work) = (MintedWork::<T>::get(), ReservedWork::<T>::get());
        let scheduled_work = curves.work.scheduled(now);
        let tenure = Self::tenure_use();
        EmissionStatus {
            curves,
            scheduled_authors: curves.authors.scheduled(now),
            scheduled_work,
            minted_authors: MintedAuthors::<T>::get(),
            minted_work,
            reserved_work,
            multiplier: FixedU128::from_inner(multiplier(minted_work.saturating_add(reserved_work), scheduled_work)),
            tenure_left: Self::allowance(&curves.work, tenure.since).saturating_sub(tenure.reserved),
        }
    }

    /// Checks what must always hold:
    ///
    /// 1. Both curves are valid and a tenure has blocks.
    /// 2. The treasury, the liquidity pot, the validators' pot and the delegators' are four accounts.
    /// 3. Authors were minted no more than is scheduled by now, which their cap bounds.
    /// 4. Work minted and reserved is within its cap, and within 1.2 of its schedule plus one reward (which the allowance
    ///    of the first tenure bounds, for no later tenure is scheduled more).
    /// 5. No tenure reserved more than its allowance, and none of the future reserved anything.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let curves = EmissionCurves::<T>::get();
        let now = Self::now();
        ensure!(curves.is_valid(), "emissions: an invalid curve");
        ensure!(T::TenureLength::get() > 0, "emissions: a tenure without blocks");
        let (treasury, liquidity, validators) = (T::Treasury::get(), T::Liquidity::get(), T::Validators::get());
        let delegators = T::Delegators::account();
        ensure!(
            treasury != liquidity && liquidity != validators && validators != treasury,
            "emissions: two pots are one account"
        );
        ensure!(
            ![treasury, liquidity, validators].contains(&delegators),
            "emissions: the delegators' account is another pot's"
        );

        ensure!(
            MintedAuthors::<T>::get() <= curves.authors.scheduled(now),
            "emissions: authors were minted more than is scheduled"
        );
        ensure!(
            curves.authors.scheduled(now) <= curves.authors.cap(),
            "emissions: authors are scheduled beyond the cap"
        );

        let supply = MintedWork::<T>::get().checked_add(ReservedWork::<T>::get());
        let supply = supply.ok_or("emissions: work minted and reserved overflow")?;
        ensure!(supply <= curves.work.cap(), "emissions: work minted and reserved exceed the cap");
        // A target curve rounds each end of a tenure to the nearest unit.
        let one_reward = Self::allowance(&curves.work, 0).saturating_add(2);
        let limit = mul_div(curves.work.scheduled(now), 6, 5).saturating_add(one_reward);
        ensure!(supply <= limit, "emissions: work minted and reserved exceed 1.2 of the schedule and one reward");

        let tenure = TenureReserved::<T>::get();
        ensure!(tenure.tenure <= T::Tenure::get() && tenure.since <= now, "emissions: a tenure of the future");
        ensure!(
            tenure.reserved <= Self::allowance(&curves.work, tenure.since),
            "emissions: a tenure reserved more than its allowance"
        );
        Ok(())
    }
}

impl<T: Config> WorkRewards<T::AccountId> for Pallet<T> {
    fn quote(rate: FixedU128, sunk_fee: Balance) -> Balance {
        Self::fix_reward(rate, sunk_fee).0
    }

    fn reserve(rate: FixedU128, sunk_fee: Balance) -> Balance {
        let (amount, tenure) = Self::fix_reward(rate, sunk_fee);
        if amount == 0 {
            return 0;
        }
        ReservedWork::<T>::mutate(|reserved| *reserved = reserved.saturating_add(amount));
        TenureReserved::<T>::put(TenureUse { reserved: tenure.reserved.saturating_add(amount), ..tenure });
        Self::deposit_event(Event::Reserved { amount });
        amount
    }

    fn release(reserved: Balance) {
        let amount = Self::take_reserved(reserved);
        if amount > 0 {
            Self::deposit_event(Event::Released { amount });
        }
    }

    fn mint(reserved: Balance, solver: &T::AccountId, user: &T::AccountId) -> RewardSplit {
        let amount = Self::take_reserved(reserved);
        if amount == 0 {
            return RewardSplit::default();
        }
        MintedWork::<T>::mutate(|minted| *minted = minted.saturating_add(amount));

        let mut refused: Balance = 0;
        let mut pay = |who: &T::AccountId, part: Balance| {
            let missing = Self::credit(who, part);
            refused = refused.saturating_add(missing);
            part.saturating_sub(missing)
        };
        let parts = split_reward(amount);
        // The solver before the user: where they are one new account, the larger part makes it exist.
        let shared = T::Delegators::share(solver, parts.solver).min(parts.solver);
        let (solver_part, user_part) = (pay(solver, parts.solver.saturating_sub(shared)), pay(user, parts.user));
        let delegators = pay(&T::Delegators::account(), shared);
        T::Delegators::credit(solver, delegators);
        let liquidity = pay(&T::Liquidity::get(), parts.liquidity);
        let validators = pay(&T::Validators::get(), parts.validators);
        let split = RewardSplit {
            treasury: Self::credit_treasury(parts.treasury.saturating_add(refused)),
            liquidity,
            solver: solver_part,
            delegators,
            validators,
            user: user_part,
        };
        Self::deposit_event(Event::Minted { solver: solver.clone(), user: user.clone(), split: split.clone() });
        split
    }
}
