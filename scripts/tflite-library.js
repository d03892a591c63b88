// Puts TensorFlow Lite 2.18 in the place of 2.9 in tfjs-tflite-node, for x86-64: the same interface and the same results, with kernels for
// newer processors. docs/adr/0031-tflite-2.18-on-x86-64.md says why, and why not for arm64.
//
// The file is what the Maven package org.bytedeco:tensorflow-lite:2.18.0-1.5.11 has for linux-x86_64, compressed (Apache-2.0):
//
//   unzip -p tensorflow-lite-2.18.0-1.5.11-linux-x86_64.jar '*/libjnitensorflowlite.so' | sha256sum
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

export const library = {
  version: '2.18.0',
  sha256: 'c34c90de1231e445bb42c5fb26219d7c0f582ac2f191893eacba788d1319dd26',
};
const packed = join(
  dirname(dirname(fileURLToPath(import.meta.url))),
  'native',
  `libtensorflowlite_c-${library.version}-x64.so.br`,
);

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Where tfjs-tflite-node has the library; null where it is not installed. */
function installedPath() {
  try {
    const runtime = createRequire(import.meta.url).resolve('tfjs-tflite-node/package.json');
    return join(dirname(runtime), 'cc_deps', 'linux_amd64', 'libtensorflowlite_c.so');
  } catch {
    return null;
  }
}

/** Replaces the library at `path` where it is another one. Why it was not, in one line; null where it is in place. */
export function placeLibrary(path = installedPath()) {
  if (path === null) return 'tfjs-tflite-node is not installed';
  if (!existsSync(path)) return `${path} is missing`;
  if (sha256(readFileSync(path)) === library.sha256) return null;
  const bytes = brotliDecompressSync(readFileSync(packed));
  if (sha256(bytes) !== library.sha256) return `${packed} is damaged: check it out again`;
  // A running daemon has the old file mapped: write under another name, then rename.
  const newFile = `${path}.${process.pid}`;
  try {
    writeFileSync(newFile, bytes, { mode: 0o755 });
    renameSync(newFile, path);
  } finally {
    rmSync(newFile, { force: true });
  }
  return null;
}
