"""The official openai package, unmodified, against a gateway: URL TEXT_MODEL EMBEDDING_MODEL."""

import asyncio
import sys

from openai import APIStatusError, AsyncOpenAI, BadRequestError, NotFoundError

URL, TEXT, EMBEDDING = sys.argv[1:4]
CLIENT = AsyncOpenAI(base_url=URL, api_key="none is asked for", max_retries=0, timeout=200)
CHAT = CLIENT.chat.completions
MESSAGES = [{"role": "system", "content": "w3"}, {"role": "user", "content": [{"type": "text", "text": "w4 w5"}]}]


async def refused(kind, code, **question):
    """Asks for what cannot be had, and checks that the client says so with its own error."""
    try:
        await CHAT.create(**{"model": TEXT, "messages": MESSAGES, **question})
    except kind as error:
        assert error.code == code, error
    else:
        raise AssertionError(f"{question} was answered")


async def models():
    listed = {model.id async for model in CLIENT.models.list()}
    assert {TEXT, EMBEDDING} <= listed, listed
    assert (await CLIENT.models.retrieve(TEXT)).id == TEXT
    await refused(NotFoundError, "model_not_found", model="gpt-5")
    await refused(BadRequestError, "unsupported_parameter", seed=7)
    await refused(BadRequestError, "wrong_kind_of_model", model=EMBEDDING)
    await refused(BadRequestError, "unfit_for_model", max_tokens=1_000_000)


async def chat():
    raw = await CHAT.with_raw_response.create(model=TEXT, messages=MESSAGES, max_tokens=8)
    answer = raw.parse()
    task = answer.model_extra["assay"]
    assert raw.headers["x-assay-task"] == task["task"] and task["output_cid"], task
    assert task["status"] in ("solved", "settled"), task
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and choice.message.content is not None
    assert choice.finish_reason in ("stop", "length")
    assert answer.usage.prompt_tokens == 3 and 1 <= answer.usage.completion_tokens <= 8, answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    verified = await CLIENT.get(task["verify_url"].removeprefix("/v1"), cast_to=object)
    assert verified["correct"] is True, verified


async def stream():
    options = {"include_usage": True}
    events = await CHAT.create(model=TEXT, messages=MESSAGES, max_tokens=8, stream=True, stream_options=options)
    chunks = [chunk async for chunk in events]
    tasks = {chunk.model_extra["assay"]["task"] for chunk in chunks}
    assert len(tasks) == 1, tasks
    first, *_, last, count = chunks
    assert first.choices[0].delta.role == "assistant" and first.model_extra["assay"]["status"] == "open"
    assert all(chunk.model_extra["assay"]["provisional"] for chunk in chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert last.choices[0].finish_reason in ("stop", "length")
    assert count.choices == [] and count.usage.prompt_tokens == 3, count


async def completion():
    answer = await CLIENT.completions.create(model=TEXT, prompt="w6 w7", max_tokens=4, temperature=0)
    assert answer.object == "text_completion" and isinstance(answer.choices[0].text, str)
    assert answer.usage.prompt_tokens == 2, answer.usage


async def embedding():
    # Whichever way it travels, it is the same vector: without a format the client asks for base64.
    answers = await asyncio.gather(
        CLIENT.embeddings.create(model=EMBEDDING, input="w8 w9"),
        CLIENT.embeddings.create(model=EMBEDDING, input=["w8 w9"], encoding_format="float"),
    )
    one, two = (answer.data[0].embedding for answer in answers)
    assert len(one) == 48 and max(abs(a - b) for a, b in zip(one, two)) < 1e-6, (one, two)
    assert answers[0].usage.prompt_tokens == 2, answers[0].usage
    try:
        await CLIENT.embeddings.create(model=EMBEDDING, input=["a", "b"])
    except APIStatusError as error:
        assert error.status_code == 400 and error.code == "unsupported_value", error
    else:
        raise AssertionError("two texts were taken")


async def main():
    await models()
    await asyncio.gather(chat(), stream(), completion(), embedding())


asyncio.run(main())
