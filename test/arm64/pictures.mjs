// Writes what test/arm64 needs: photos to enrol, other pictures of the same people, small frames for the daemon, pairs.
//   node pictures.mjs CHECKOUT FOLDER
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [checkout, folder] = process.argv.slice(2);
const load = (path) => import(join(checkout, 'dist', path));
const sharp = createRequire(join(checkout, 'package.json'))('sharp');
const [{ drawCast }, { drawFrames }, { createEngine }, { engineOptions }, { shippedConfig }] = await Promise.all([
  load('commands/demo/portraits.js'),
  load('commands/demo/stage.js'),
  load('engine/supervisor.js'),
  load('config/parts.js'),
  load('config/load.js'),
]);

const engine = createEngine(engineOptions(shippedConfig(), () => {}));
await engine.start();
const cutouts = await drawCast(engine, folder);
await engine[Symbol.asyncDispose]();

// The frames in which Ada stands alone, then nobody: 2.6 to 3.8 s and 22 to 23 s of the demo.
const all = join(folder, 'all');
const frames = join(folder, 'frames');
mkdirSync(all);
mkdirSync(frames);
await drawFrames(all, cutouts, () => {});
for (const name of (await readdir(all)).sort()) {
  const index = Number(/\d+/.exec(name)[0]);
  if (index >= 13 && index < 21) await rename(join(all, name), join(frames, name));
}
await rm(all, { recursive: true });

const pairs = join(folder, 'pairs');
mkdirSync(pairs);
const lines = [];
for (const [name, key] of [
  ['Ada', 'ada'],
  ['Grace', 'grace'],
]) {
  await sharp(join(folder, 'photos', name, '1.jpg')).resize(240).jpeg().toFile(join(pairs, `${key}-1.jpg`));
  await sharp(join(folder, 'portraits', `${key}.png`)).resize(240).jpeg().toFile(join(pairs, `${key}-2.jpg`));
  await sharp(join(folder, 'photos', name, '1.jpg')).resize(240).jpeg().toFile(join(folder, 'photos', name, 'small.jpg'));
  await rm(join(folder, 'photos', name, '1.jpg'));
  lines.push(`1 0 ${key}-1.jpg ${key}-2.jpg`);
}
lines.push('0 0 ada-1.jpg grace-2.jpg', '0 0 ada-2.jpg grace-1.jpg');
writeFileSync(join(folder, 'pairs.txt'), `${lines.join('\n')}\n`);
