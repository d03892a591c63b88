// Prints the embeddings of the only face of each picture as JSON, or compares two such files.
//   node embeddings.mjs ROOT PICTURE...          ROOT: the folder that holds dist/
//   node embeddings.mjs --compare FILE FILE      ends with 1 where a cosine is below 0.999
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const [first, ...rest] = process.argv.slice(2);
if (first === '--compare') {
  const [a, b] = rest.map((path) => JSON.parse(readFileSync(path, 'utf8')));
  for (const [name, vector] of Object.entries(a)) {
    const cosine = vector.reduce((sum, value, i) => sum + value * b[name][i], 0);
    const equal = vector.filter((value, i) => value === b[name][i]).length;
    console.log(`${name}: cosine ${cosine.toFixed(5)}, ${equal} of ${vector.length} values equal`);
    if (!(cosine >= 0.999)) process.exitCode = 1;
  }
} else {
  const load = (path) => import(join(first, 'dist', path));
  const [{ createEngine }, { engineOptions }, { shippedConfig }, { readPhoto }] = await Promise.all([
    load('engine/supervisor.js'),
    load('config/parts.js'),
    load('config/load.js'),
    load('camera/photo.js'),
  ]);
  const engine = createEngine(engineOptions(shippedConfig(), () => {}));
  await engine.start();
  const result = {};
  for (const path of rest) {
    const photo = await readPhoto(path);
    const { faces } = await engine.analyze({ ...photo, capturedAt: 0, sequence: 0 }, { search: 'whole' });
    if (faces.length !== 1) throw new Error(`${path} has ${faces.length} faces`);
    result[basename(path)] = [...faces[0].embedding];
  }
  await engine[Symbol.asyncDispose]();
  console.log(JSON.stringify(result));
}
