//! What a transaction costs and who gets it.

use crate::common::{genesis, Blocks};
use assay_runtime::{
    AccountId, Balance, Balances, Executive, Runtime, RuntimeCall, SignedPayload, System, TransactionPayment,
    UncheckedExtrinsic, VERSION,
};
use assay_types::{ASY, MICRO_ASY};
use codec::Encode;
use frame_support::dispatch::GetDispatchInfo;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{generic::Era, MultiSignature};

fn transfer(value: Balance) -> RuntimeCall {
    pallet_balances::Call::transfer_keep_alive { dest: AccountId::new([9; 32]).into(), value }.into()
}

/// A transaction as a wallet makes it.
fn signed(from: Sr25519Keyring, call: RuntimeCall, tip: Balance) -> UncheckedExtrinsic {
    let account = from.to_account_id();
    let nonce = System::account_nonce(&account);
    let extension = (
        frame_system::AuthorizeCall::<Runtime>::new(),
        frame_system::CheckNonZeroSender::<Runtime>::new(),
        frame_system::CheckSpecVersion::<Runtime>::new(),
        frame_system::CheckTxVersion::<Runtime>::new(),
        frame_system::CheckGenesis::<Runtime>::new(),
        frame_system::CheckEra::<Runtime>::from(Era::Immortal),
        frame_system::CheckNonce::<Runtime>::from(nonce),
        frame_system::CheckWeight::<Runtime>::new(),
        pallet_transaction_payment::ChargeTransactionPayment::<Runtime>::from(tip),
        frame_system::WeightReclaim::<Runtime>::new(),
    );
    let genesis = System::block_hash(0);
    let implicit = ((), (), VERSION.spec_version, VERSION.transaction_version, genesis, genesis, (), (), (), ());
    let payload = SignedPayload::from_raw(call.clone(), extension.clone(), implicit);
    let signature = payload.using_encoded(|bytes| from.sign(bytes));
    UncheckedExtrinsic::new_signed(call, account.into(), MultiSignature::Sr25519(signature), extension)
}

#[test]
fn a_transfer_costs_tens_of_millionths_and_the_author_gets_it() {
    genesis("development").execute_with(|| {
        let mut blocks = Blocks::default();
        blocks.begin();
        let stash = Sr25519Keyring::AliceStash.to_account_id();
        let bob = Sr25519Keyring::Bob.to_account_id();
        let before = (Balances::free_balance(&bob), Balances::free_balance(&stash), Balances::total_issuance());
        let transaction = signed(Sr25519Keyring::Bob, transfer(ASY), 7);
        let length = transaction.encoded_size() as u32;
        let fee = TransactionPayment::compute_fee(length, &transaction.get_dispatch_info(), 7);
        assert!((40 * MICRO_ASY..50 * MICRO_ASY).contains(&fee), "{fee}");
        Executive::apply_extrinsic(transaction).expect("it is valid").expect("and succeeds");
        let paid = before.0 - ASY - Balances::free_balance(&bob);
        assert!(paid <= fee && paid > 0, "{paid} of {fee}");
        assert_eq!(Balances::free_balance(&stash), before.1 + paid);
        assert_eq!(Balances::total_issuance(), before.2);
        blocks.end();
    });
}

#[test]
fn a_wrong_signature_is_refused() {
    genesis("development").execute_with(|| {
        let mut blocks = Blocks::default();
        blocks.begin();
        let mut transaction = signed(Sr25519Keyring::Bob, transfer(ASY), 0);
        transaction.function = transfer(2 * ASY);
        assert!(Executive::apply_extrinsic(transaction).is_err());
        blocks.end();
    });
}
