// The official JavaScript SDK of Anthropic: one answer streamed, one whole, one refused. Prints what it understood as JSON.
const Anthropic = require("@anthropic-ai/sdk");

function read(message) {
  const of = (type) => message.content.filter((block) => block.type === type);
  return {
    text: of("text").map((block) => block.text).join(""),
    calls: of("tool_use").map((block) => [block.name, JSON.stringify(block.input)]),
    finish: message.stop_reason,
    usage: [message.usage.input_tokens, message.usage.output_tokens],
  };
}

async function main() {
  const client = new Anthropic({ maxRetries: 0 });
  const asked = { model: "mock/all", max_tokens: 99, messages: [{ role: "user", content: "hi" }] };
  const told = read(await client.messages.stream(asked).finalMessage());
  told.whole = read(await client.messages.create(asked)).text;
  await client.messages.create({ ...asked, model: "mock/limited" }).catch((error) => { told.refused = error.status; });
  console.log(JSON.stringify(told));
}

main();
