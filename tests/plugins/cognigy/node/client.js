// Cognigy's own client, told by a test what to do: [base URL, store id] as arguments; what it found as JSON on stdout.
const { RestAPIClient } = require("@cognigy/rest-api-client");

async function all(index, args) {
  const items = [];
  let next;
  do {
    const page = await index({ ...args, limit: 2, ...(next ? { next } : {}) });
    items.push(...page.items);
    next = page.nextCursor;
  } while (next);
  return items;
}

async function main([baseUrl, knowledgeStoreId]) {
  const client = new RestAPIClient({ baseUrl, maxRetries: 0 });
  client.setCredentials({ type: "ApiKey", apiKey: "emu-key" });
  const sources = await all(client.indexKnowledgeSources, { knowledgeStoreId });
  const held = [];
  for (const { _id: sourceId } of sources) {
    const source = await client.readKnowledgeSource({ knowledgeStoreId, sourceId });
    const chunks = await all(client.indexKnowledgeChunks, { knowledgeStoreId, sourceId });
    held.push([source.name, source.metaData.tags, source.data, chunks.map((chunk) => chunk.text)]);
  }
  const made = await client.createKnowledgeSource({ knowledgeStoreId, name: "From Node", type: "manual" });
  const sourceId = made.knowledgeSource._id;
  await client.createKnowledgeChunk({ knowledgeStoreId, sourceId, text: "a chunk", order: 0 });
  await client.updateKnowledgeSource({ knowledgeStoreId, sourceId, status: "disabled", data: { mine: true } });
  const updated = await client.readKnowledgeSource({ knowledgeStoreId, sourceId });
  await client.deleteKnowledgeSource({ knowledgeStoreId, sourceId });
  const gone = await client.readKnowledgeSource({ knowledgeStoreId, sourceId }).then(() => "there", (error) => error.name);
  console.log(JSON.stringify({ held, updated: [updated.status, updated.chunkCount, updated.data], gone }));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
