// Serves aimock, and beside it the one file that its answers point to: node aimock.mjs FILM SOUND
// Prints both addresses as a line of JSON, and ends with its standard input.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { LLMock } from "@copilotkit/aimock";

const clip = readFileSync(process.argv[2]);
const seen = [];
const files = createServer((request, response) => {
  if (request.url === "/seen") return response.end(JSON.stringify(seen));
  seen.push(request.headers);
  response.writeHead(200, { "content-type": "video/mp4" });
  response.end(clip);
});
await new Promise((ready) => files.listen(0, "127.0.0.1", ready));
const place = `http://127.0.0.1:${files.address().port}`;

const mock = new LLMock({ port: 0, falQueue: { pollsBeforeInProgress: 1, pollsBeforeCompleted: 2 } });
const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC";
mock.onFalVideo(/acme/, { video: { id: "v", status: "completed", url: `${place}/clip.mp4` } }, { billableUnits: 3 });
mock.onImage(/lighthouse|lake/, { image: { b64Json: picture } });
mock.onAudio(/lighthouse|lake/, { audio: readFileSync(process.argv[3]).toString("base64"), format: "mp3" });
await mock.start();
// It tells fal's hosts apart by a header that a client of fal's own adds.
const { server } = mock.serverInstance;
server.prependListener("request", (request) => {
  if (/^Key /.test(request.headers.authorization ?? "")) request.headers["x-fal-target-host"] = "queue.fal.run";
});
console.log(JSON.stringify({ fal: `${mock.url}/fal`, others: mock.url, files: place }));
process.stdin.resume().on("end", () => process.exit());
