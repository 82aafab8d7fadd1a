// @vladmandic/face-api as a contestant: node face_api.mjs TASK ANSWER, beside its node_modules. On WebAssembly, one thread.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.cwd(), "package.json"));
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const sharp = require("sharp");
const faceapi = require("@vladmandic/face-api/dist/face-api.node-wasm.js");

const NAMES = { angry: "angry", disgusted: "disgust", fearful: "fear", happy: "happy", sad: "sad", surprised: "surprise", neutral: "neutral" };

function best(expressions) {
  return NAMES[Object.keys(NAMES).reduce((one, other) => (expressions[other] > expressions[one] ? other : one))];
}

async function picture(file) {
  const { data, info } = await sharp(file).rotate().removeAlpha().toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
  return tf.tensor3d(new Uint8Array(data), [info.height, info.width, info.channels], "int32");
}

const [taskFile, answerFile] = process.argv.slice(2);
const task = JSON.parse(fs.readFileSync(taskFile, "utf8"));
sharp.concurrency(1);
wasm.setWasmPaths(path.join(process.cwd(), "node_modules/@tensorflow/tfjs-backend-wasm/dist/"));
wasm.setThreadsCount(1);
await tf.setBackend("wasm");
await tf.ready();
const models = path.join(process.cwd(), "node_modules/@vladmandic/face-api/model");
await faceapi.nets.faceExpressionNet.loadFromDisk(models);
if (task.kind === "photos") await faceapi.nets.ssdMobilenetv1.loadFromDisk(models);

const answer = task.kind === "faces" ? { labels: [] } : { boxes: [] };
for (const file of task.files) {
  const tensor = await picture(file);
  if (task.kind === "faces") {
    answer.labels.push(best(await faceapi.nets.faceExpressionNet.predictExpressions(tensor)));
  } else {
    const found = await faceapi.detectAllFaces(tensor, new faceapi.SsdMobilenetv1Options({ maxResults: 100 })).withFaceExpressions();
    answer.boxes.push(found.map(({ detection: { box } }) => [box.x, box.y, box.width, box.height]));
  }
  tensor.dispose();
}
fs.writeFileSync(answerFile, JSON.stringify(answer));
process.exit(0);
