use std::{fs, path::Path, sync::atomic::AtomicBool};

use candle_core::{DType, Device, Tensor, D};
use tempfile::TempDir;

use super::*;

const SENTENCE: &str = "The quick brown fox jumps over the lazy dog, and the dog sleeps on.";

/// A model so small that a hundred steps take a moment.
fn tiny(folder: &Path, text: &str) -> TrainArgs {
    let path = folder.join("text.txt");
    fs::write(&path, text).expect("the text can be written");
    TrainArgs {
        text: path,
        out: folder.join("model"),
        resume: false,
        seed: 7,
        vocabulary: 270,
        context: 16,
        width: 32,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        inner_width: 48,
        batch: 4,
        threads: 2,
        steps: 12,
        warmup: 3,
        learning_rate: 1e-2,
        weight_decay: 0.1,
        hold_out: 4,
        save_every: 100,
        minutes: None,
        until: None,
        prompt: "The quick".to_string(),
    }
}

fn paragraphs() -> String {
    format!("{SENTENCE}\n\n").repeat(12)
}

fn go(args: &TrainArgs) -> Result<Outcome> {
    train(args, &AtomicBool::new(false))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

#[test]
fn a_tiny_model_learns_one_sentence_by_heart_and_when_to_end() -> Result<()> {
    let folder = folder();
    let args = TrainArgs { steps: 150, ..tiny(folder.path(), &paragraphs()) };
    let outcome = go(&args)?;
    assert!(outcome.losses[0] > 5.0, "an untrained model knows nothing: {}", outcome.losses[0]);
    // What cannot be known is small: which token comes next is certain everywhere but at a window's first tokens.
    assert!(outcome.losses[149] < 0.3, "loss after 150 steps: {}", outcome.losses[149]);
    assert!(outcome.validation < 0.5, "validation loss: {}", outcome.validation);

    let tokenizer = read_tokenizer(&args.out);
    let model = Llama::new(config(&args, &tokenizer)?, 99)?;
    let mut moments: Vec<Moments> = model.weights().iter().map(|(_, var)| Moments::zero(var.elem_count())).collect();
    let documents = text::documents(&args.text)?;
    let training = Corpus::encode(&tokenizer, documents.iter().take(9))?;
    save::load_state(&model, &mut moments, &recipe(&args, &training), &state_path(&args.out))?;
    let written = sample(&model, &tokenizer, "The", 13, 0.0, 1)?;
    assert!(written.starts_with("<s>The quick brown"), "{written}");
    Ok(())
}

fn read_tokenizer(folder: &Path) -> Tokenizer {
    Tokenizer::from_file(folder.join("tokenizer.json")).expect("the tokenizer can be read")
}

#[test]
fn the_tokenizer_gives_back_every_text_and_starts_documents() -> Result<()> {
    let tokenizer = train_tokenizer(&[SENTENCE.to_string(), SENTENCE.to_string()], 280)?;
    assert_eq!(tokenizer.get_vocab_size(true), 280);
    assert_eq!((tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>")), (Some(0), Some(1)));
    for text in [SENTENCE, "", " two  spaces ", "Grüße, 世界! 🦊\n\ttab", "\u{0}\u{7f}"] {
        let encoding = tokenizer.encode(text, true).expect("any text can be encoded");
        assert_eq!(encoding.get_ids()[0], 0);
        assert_eq!(tokenizer.decode(encoding.get_ids(), true).expect("tokens can be decoded"), text);
    }
    let again = train_tokenizer(&[SENTENCE.to_string(), SENTENCE.to_string()], 280)?;
    assert_eq!(tokenizer.to_string(false).ok(), again.to_string(false).ok());
    Ok(())
}

#[test]
fn one_seed_gives_one_run_and_another_seed_another() -> Result<()> {
    let (one, two, three) = (folder(), folder(), folder());
    let text = paragraphs();
    let first = go(&tiny(one.path(), &text))?;
    let second = go(&tiny(two.path(), &text))?;
    let other = go(&TrainArgs { seed: 8, ..tiny(three.path(), &text) })?;
    assert_eq!(first.losses, second.losses);
    assert_ne!(first.losses, other.losses);
    for file in ["model.safetensors", "tokenizer.json", "config.json", "tokenizer_config.json"] {
        let read = |folder: &TempDir| fs::read(folder.path().join("model").join(file)).expect("the file is there");
        assert_eq!(read(&one), read(&two), "{file}");
    }
    Ok(())
}

#[test]
fn a_stopped_run_goes_on_as_if_it_had_not_been_stopped() -> Result<()> {
    let (whole, halves) = (folder(), folder());
    let text = paragraphs();
    let expected = go(&tiny(whole.path(), &text))?;

    let args = tiny(halves.path(), &text);
    let stop = AtomicBool::new(true);
    let first = train(&args, &stop)?;
    assert_eq!(first.losses, expected.losses[..1]);
    let args = TrainArgs { resume: true, ..args };
    let second = train(&args, &stop)?;
    assert_eq!((second.step, &second.losses[..]), (2, &expected.losses[1..2]));
    let third = go(&TrainArgs { until: Some(5), ..args.clone() })?;
    assert_eq!((third.step, &third.losses[..]), (5, &expected.losses[2..5]));
    let late = go(&TrainArgs { minutes: Some(0.0), ..args.clone() })?;
    assert_eq!((late.step, &late.losses[..]), (6, &expected.losses[5..6]));
    let rest = go(&args)?;
    assert_eq!(rest.step, expected.step);
    assert_eq!(rest.losses, expected.losses[6..]);
    let log = fs::read_to_string(args.out.join("loss.csv"))?;
    assert!(log.starts_with(LOSS_HEADER), "{log}");
    let steps: Vec<_> = log.lines().skip(1).map(|line| line.split(',').next().unwrap_or_default()).collect();
    assert_eq!(steps, ["1", "2", "5", "6", "10", "12"]);
    Ok(())
}

#[test]
fn mistakes_get_one_clear_line_and_lose_nothing() -> Result<()> {
    let folder = folder();
    let good = tiny(folder.path(), &paragraphs());
    let message = |args: &TrainArgs| format!("{:#}", go(args).expect_err("the run must fail"));

    let missing = TrainArgs { text: folder.path().join("nowhere.txt"), ..good.clone() };
    assert!(message(&missing).contains("cannot read the text"), "{}", message(&missing));
    let long = TrainArgs { context: 4096, ..good.clone() };
    assert!(message(&long).contains("the text is too small"), "{}", message(&long));
    let greedy = TrainArgs { vocabulary: 5000, ..good.clone() };
    assert!(message(&greedy).contains("choose a smaller one"), "{}", message(&greedy));
    let poor = TrainArgs { vocabulary: 100, ..good.clone() };
    assert!(message(&poor).contains("too small"), "{}", message(&poor));
    for odd in [
        TrainArgs { heads: 5, ..good.clone() },
        TrainArgs { kv_heads: 3, ..good.clone() },
        TrainArgs { batch: 3, ..good.clone() },
        TrainArgs { layers: 0, ..good.clone() },
        TrainArgs { hold_out: 1, ..good.clone() },
        TrainArgs { out: "..".into(), ..good.clone() },
    ] {
        assert!(!message(&odd).contains('\n'), "{}", message(&odd));
    }
    let nothing = TrainArgs { resume: true, ..good.clone() };
    assert!(message(&nothing).contains("nothing to resume"), "{}", message(&nothing));
    let blocked = TrainArgs { out: good.text.join("model"), ..good.clone() };
    assert!(message(&blocked).contains("cannot create"), "{}", message(&blocked));

    let unwritable = folder.path().join("missing").join("file");
    let error = save::write_file(&unwritable, b"x").expect_err("there is no such folder");
    assert!(error.to_string().contains("cannot write"), "{error}");

    let binary = folder.path().join("binary");
    fs::write(&binary, [0xff, 0xfe])?;
    assert!(message(&TrainArgs { text: binary, ..good.clone() }).contains("not UTF-8"));
    let empty = folder.path().join("empty");
    fs::write(&empty, " \n\n")?;
    assert!(message(&TrainArgs { text: empty, ..good.clone() }).contains("holds no text"));

    go(&good)?;
    let weights = fs::read(good.out.join("model.safetensors"))?;
    assert!(message(&good).contains("pass --resume"), "{}", message(&good));
    let other = TrainArgs { resume: true, seed: 8, ..good.clone() };
    assert!(message(&other).contains("belongs to another run"), "{}", message(&other));
    assert_eq!(fs::read(good.out.join("model.safetensors"))?, weights);
    Ok(())
}

#[test]
fn the_folder_is_what_hugging_face_expects() -> Result<()> {
    let folder = folder();
    let args = tiny(folder.path(), &paragraphs());
    go(&args)?;
    let config: serde_json::Value = serde_json::from_slice(&fs::read(args.out.join("config.json"))?)?;
    assert_eq!(config["architectures"], json!(["LlamaForCausalLM"]));
    assert_eq!((&config["bos_token_id"], &config["eos_token_id"]), (&json!(0), &json!(1)));
    let file = fs::read(args.out.join("model.safetensors"))?;
    let tensors = safetensors::SafeTensors::deserialize(&file)?;
    assert_eq!(tensors.len(), 2 + 9 * args.layers);
    for (name, shape) in [
        ("model.embed_tokens.weight", vec![270, 32]),
        ("model.layers.1.self_attn.q_proj.weight", vec![32, 32]),
        ("model.layers.0.self_attn.k_proj.weight", vec![16, 32]),
        ("model.layers.1.mlp.down_proj.weight", vec![32, 48]),
        ("model.layers.0.input_layernorm.weight", vec![32]),
        ("model.norm.weight", vec![32]),
    ] {
        let tensor = tensors.tensor(name)?;
        assert_eq!((tensor.dtype(), tensor.shape()), (safetensors::Dtype::F32, &shape[..]), "{name}");
    }
    assert!(fs::read_to_string(args.out.join("loss.svg"))?.contains("polyline"));
    Ok(())
}

/// The same model, from elementary operations and the half-split rotation of candle's own library.
fn reference_loss(model: &Llama, tokens: &[u32], targets: &[u32], batch: usize) -> candle_core::Result<Tensor> {
    let config = &model.config;
    let weights = model.weights();
    let weight = |name: &str| weights.iter().find(|(full, _)| full == name).expect("the weight exists").1.as_tensor();
    let (time, width) = (tokens.len() / batch, config.head_dim);
    let table = |f: fn(f64) -> f64| {
        let angle = |i: usize| (i / (width / 2)) as f64 / 10_000f64.powf((i % (width / 2)) as f64 * 2.0 / width as f64);
        let values: Vec<f32> = (0..time * width / 2).map(|i| f(angle(i)) as f32).collect();
        Tensor::from_vec(values, (time, width / 2), &Device::Cpu)
    };
    let (cos, sin) = (table(f64::cos)?, table(f64::sin)?);
    let rms = |x: &Tensor, w: &Tensor| {
        let size = (x.sqr()?.mean_keepdim(D::Minus1)? + config.rms_norm_eps)?.sqrt()?;
        x.broadcast_div(&size)?.broadcast_mul(w)
    };
    let heads = |x: Tensor, heads: usize| x.reshape((batch, time, heads, width))?.transpose(1, 2)?.contiguous();
    let mask: Vec<f32> = (0..time * time).map(|i| if i % time > i / time { f32::NEG_INFINITY } else { 0.0 }).collect();
    let mask = Tensor::from_vec(mask, (time, time), &Device::Cpu)?;
    let group = config.num_attention_heads / config.num_key_value_heads;
    let repeat = |x: Tensor| {
        let (b, kv, t, d) = x.dims4()?;
        x.unsqueeze(2)?.broadcast_as((b, kv, group, t, d))?.reshape((b, kv * group, t, d))
    };

    let mut x = weight("model.embed_tokens.weight").index_select(&Tensor::new(tokens, &Device::Cpu)?, 0)?;
    for i in 0..config.num_hidden_layers {
        let weight = |name: &str| weight(&format!("model.layers.{i}.{name}.weight"));
        let project = |x: &Tensor, name: &str| x.matmul(&weight(name).t()?);
        let h = rms(&x, weight("input_layernorm"))?;
        let q = heads(project(&h, "self_attn.q_proj")?, config.num_attention_heads)?;
        let k = heads(project(&h, "self_attn.k_proj")?, config.num_key_value_heads)?;
        let v = repeat(heads(project(&h, "self_attn.v_proj")?, config.num_key_value_heads)?)?;
        let q = candle_nn::rotary_emb::rope_slow(&q, &cos, &sin)?;
        let k = repeat(candle_nn::rotary_emb::rope_slow(&k, &cos, &sin)?)?;
        let scores = (q.matmul(&k.t()?)? / (width as f64).sqrt())?.broadcast_add(&mask)?;
        let mixed = candle_nn::ops::softmax(&scores, D::Minus1)?.matmul(&v.contiguous()?)?;
        let mixed = mixed.transpose(1, 2)?.reshape((batch * time, config.num_attention_heads * width))?;
        x = (x + project(&mixed, "self_attn.o_proj")?)?;
        let h = rms(&x, weight("post_attention_layernorm"))?;
        let inner = (candle_nn::ops::silu(&project(&h, "mlp.gate_proj")?)? * project(&h, "mlp.up_proj")?)?;
        x = (x + project(&inner, "mlp.down_proj")?)?;
    }
    let logits = rms(&x, weight("model.norm.weight"))?.matmul(&weight("model.embed_tokens.weight").t()?)?;
    candle_nn::loss::cross_entropy(&logits, &Tensor::new(targets, &Device::Cpu)?)
}

#[test]
fn fused_operations_and_their_gradients_equal_elementary_ones() -> Result<()> {
    let folder = folder();
    let args = TrainArgs { context: 11, ..tiny(folder.path(), &paragraphs()) };
    let tokenizer = train_tokenizer(&text::documents(&args.text)?, args.vocabulary)?;
    // Larger first weights than usual, so that no gradient is lost in rounding.
    let config = LlamaConfig { initializer_range: 0.3, ..config(&args, &tokenizer)? };
    let model = Llama::new(config, 3)?;
    let mut rng = Rng::new(5, 5);
    let mut draw = || (0..22).map(|_| rng.below(270) as u32).collect::<Vec<_>>();
    let (tokens, targets) = (draw(), draw());
    let expected = reference_loss(&model, &tokens, &targets, 2)?;
    let fused = model.loss(&tokens, targets, 2)?;
    let (a, b): (f32, f32) = (expected.to_scalar()?, fused.to_scalar()?);
    assert!((a - b).abs() < 1e-4, "{a} {b}");
    let (expected, fused) = (expected.backward()?, fused.backward()?);
    for (name, var) in model.weights() {
        let (a, b) = (expected.get(var).expect("a gradient"), fused.get(var).expect("a gradient"));
        let size = a.sqr()?.sum_all()?.sqrt()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        let apart = (a - b)?.sqr()?.sum_all()?.sqrt()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        assert!(size > 0.0 && apart < 1e-4 * size, "{name}: {apart} of {size}");
    }
    Ok(())
}

#[test]
fn batches_see_every_token_once_in_a_pass_and_depend_on_the_step_only() -> Result<()> {
    let folder = folder();
    let args = tiny(folder.path(), &paragraphs());
    let documents = text::documents(&args.text)?;
    let tokenizer = train_tokenizer(&documents, args.vocabulary)?;
    let corpus = Corpus::encode(&tokenizer, documents.iter())?;
    let windows = corpus.windows(8) as u64;
    let mut forward = text::Batches::new(&corpus, 1, 8, 1);
    let seen: Vec<_> = (0..windows).map(|step| forward.get(step)).collect();
    let inputs: Vec<u32> = seen.iter().flat_map(|(inputs, _)| inputs.iter().copied()).collect();
    assert_eq!(inputs, corpus.pass(Some((1, 0)))[..inputs.len()]);
    assert!(corpus.tokens() - inputs.len() <= 8);
    for (inputs, answers) in &seen {
        assert_eq!(inputs[1..], answers[..7]);
    }
    let far = forward.get(windows * 3 + 1);
    assert_eq!(text::Batches::new(&corpus, 1, 8, 1).get(windows * 3 + 1), far);
    assert_eq!(forward.get(0), seen[0]);
    Ok(())
}

#[test]
fn the_learning_rate_rises_and_falls() {
    let at = |step| learning_rate(step, 100, 10, 1.0);
    assert!((at(0) - 0.1).abs() < 1e-9 && (at(9) - 1.0).abs() < 1e-9 && (at(10) - 1.0).abs() < 1e-9);
    assert!((at(55) - 0.525).abs() < 1e-9, "{}", at(55));
    assert!((at(100) - 0.05).abs() < 1e-9 && (at(1000) - 0.05).abs() < 1e-9);
}

#[test]
fn a_line_of_the_log_reads_back() {
    let row = plot::Row { step: 10, training: 1.5, validation: None, rate: 2e-3, seconds: 4.5 };
    assert_eq!(plot::Row::parse(&row.to_string()), Some(row.clone()));
    let row = plot::Row { validation: Some(2.25), ..row };
    assert_eq!(plot::Row::parse(&row.to_string()), Some(row));
    for broken in ["", "1,2", "a,1,,1,1", "1,1,x,1,1", "1,1,,1,1,1"] {
        assert_eq!(plot::Row::parse(broken), None, "{broken}");
    }
    assert!(plot::svg(&[]).ends_with("</svg>\n"));
}
