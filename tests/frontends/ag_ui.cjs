// Runs one answer as a front end of AG-UI does, with its checks of the order: node ag_ui.cjs URL. Prints messages and errors.
const { HttpAgent } = require("@ag-ui/client");

async function main() {
  const agent = new HttpAgent({ url: process.argv[2], threadId: "t" });
  const errors = [];
  const types = [];
  const subscriber = {
    onEvent: ({ event }) => { types.push(event.type); },
    onRunErrorEvent: ({ event }) => { errors.push([event.message, event.code]); },
    onRunFailed: ({ error }) => { if (!errors.length) errors.push([error.message, null]); },
  };
  await agent.runAgent({ runId: "r" }, subscriber).catch(() => null);
  console.log(JSON.stringify({ messages: agent.messages, types, errors }));
}
main();
