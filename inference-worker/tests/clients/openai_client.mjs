// The official openai package, unmodified, against a gateway: URL TEXT_MODEL EMBEDDING_MODEL.
import assert from 'node:assert/strict'
import OpenAI from 'openai'

const [baseURL, text, embedding] = process.argv.slice(2)
const client = new OpenAI({ baseURL, apiKey: 'none is asked for', maxRetries: 0, timeout: 200_000 })
const messages = [{ role: 'user', content: 'w10 w11' }]

const refused = async (kind, code, question) => {
  const failed = (error) => error instanceof kind && error.code === code
  await assert.rejects(client.chat.completions.create({ model: text, messages, ...question }), failed)
}

const models = async () => {
  const listed = []
  for await (const model of client.models.list()) listed.push(model.id)
  assert.ok(listed.includes(text) && listed.includes(embedding), listed)
  await refused(OpenAI.NotFoundError, 'model_not_found', { model: 'gpt-5' })
  await refused(OpenAI.BadRequestError, 'unsupported_conversation', {
    messages: [...messages, { role: 'assistant', content: 'w12' }, ...messages],
  })
}

const chat = async () => {
  const { data, response } = await client.chat.completions.create({ model: text, messages, max_tokens: 4 }).withResponse()
  assert.equal(response.headers.get('x-assay-task'), data.assay.task)
  assert.equal(typeof data.choices[0].message.content, 'string')
  assert.equal(data.usage.prompt_tokens, 2)
}

const stream = async () => {
  const events = await client.chat.completions.create({ model: text, messages, max_tokens: 4, stream: true })
  const chunks = []
  for await (const chunk of events) chunks.push(chunk)
  assert.ok(chunks.length >= 3 && chunks.every((chunk) => chunk.assay.task === chunks[0].assay.task))
  assert.ok(['stop', 'length'].includes(chunks.at(-1).choices[0].finish_reason))
}

const vector = async () => {
  const answer = await client.embeddings.create({ model: embedding, input: 'w13' })
  assert.equal(answer.data[0].embedding.length, 48)
}

await models()
await Promise.all([chat(), stream(), vector()])
