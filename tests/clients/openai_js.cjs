// The official JavaScript SDK of OpenAI: one answer streamed, one whole, one refused. Prints what it understood as JSON.
const OpenAI = require("openai");

async function main() {
  const client = new OpenAI({ maxRetries: 0 });
  const messages = [{ role: "user", content: "hi" }];
  const told = { text: "", calls: [["", ""]], finish: null, usage: null };
  const stream = await client.chat.completions.create({
    model: "mock/all", messages, stream: true, stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    const choice = chunk.choices[0];
    told.text += choice?.delta?.content ?? "";
    for (const call of choice?.delta?.tool_calls ?? []) {
      told.calls[0][0] += call.function.name ?? "";
      told.calls[0][1] += call.function.arguments ?? "";
    }
    told.finish = choice?.finish_reason ?? told.finish;
    if (chunk.usage) told.usage = [chunk.usage.prompt_tokens, chunk.usage.completion_tokens];
  }
  const whole = await client.chat.completions.create({ model: "mock/all", messages });
  told.whole = whole.choices[0].message.content;
  await client.chat.completions.create({ model: "mock/limited", messages }).catch((error) => { told.refused = error.status; });
  console.log(JSON.stringify(told));
}

main();
