// Reads one answer as `useChat` does: node ai_sdk_ui.cjs URL. Prints the message and the errors.
const { DefaultChatTransport, readUIMessageStream } = require("ai");

async function main() {
  const transport = new DefaultChatTransport({ api: process.argv[2] });
  const stream = await transport.sendMessages({ chatId: "c", messages: [], trigger: "submit-message" });
  const errors = [];
  let message = null;
  for await (const seen of readUIMessageStream({ stream, onError: (error) => errors.push(error.message) })) message = seen;
  console.log(JSON.stringify({ message, errors }));
}
main();
