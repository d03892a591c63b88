// The file of a model: found, opened and verified.
//
// Invariant: a model reaches the runtime only after its SHA-256 has matched the manifest, and the loaded bytes are the hashed bytes.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fail } from '../base/errors.js';
import { packageRoot } from '../base/files.js';
import type { Manifest, ModelEntry } from './manifest.js';

/** Where the manifest of the model lies. */
export type Place = Pick<Manifest, 'path'>;

/** The path of a model's file. Error: MODEL_MISSING when its npm package is not installed. */
export function modelPath(manifest: Place, model: ModelEntry): string {
  const inPackage = /^package:((?:@[^/]+\/)?[^/]+)\/(.+)$/.exec(model.file);
  if (inPackage === null) return join(dirname(manifest.path), model.file);
  const [, name, rest] = inPackage;
  const resolve = createRequire(join(packageRoot, 'package.json')).resolve;
  try {
    return join(dirname(resolve(`${name}/package.json`)), rest!);
  } catch (cause) {
    throw fail('MODEL_MISSING', `model ${model.id} needs the npm package ${name}: run npm ci`, cause);
  }
}

/** A model's file, open and verified: what is read from it, or mapped, are the hashed bytes. */
export interface ModelFile extends Disposable {
  readonly file: number;
  readonly bytes: number;
}

/** Bytes that are hashed at once: a model has 25 MB, which a process that does not run it need not hold. */
const hashedBytes = 1 << 18;

/** Opens a model and verifies it. Errors: MODEL_MISSING, MODEL_HASH (exit 78). */
export function openModel(manifest: Place, model: ModelEntry): ModelFile {
  const path = modelPath(manifest, model);
  const missing = (cause: unknown): Error =>
    fail('MODEL_MISSING', `model ${model.id}: ${path} cannot be read: install roomkin again`, cause);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw missing(cause);
  }
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const part = Buffer.allocUnsafeSlow(hashedBytes);
    for (let count = readSync(file, part); count > 0; count = readSync(file, part)) {
      hash.update(part.subarray(0, count));
      bytes += count;
    }
  } catch (cause) {
    closeSync(file);
    throw missing(cause);
  }
  if (hash.digest('hex') !== model.sha256) {
    closeSync(file);
    throw fail('MODEL_HASH', `model ${model.id}: ${path} does not match its hash: install roomkin again`);
  }
  return { file, bytes, [Symbol.dispose]: () => closeSync(file) };
}

/** Verifies a model that another process loads. Errors: MODEL_MISSING, MODEL_HASH (exit 78). */
export function verifyModel(manifest: Place, model: ModelEntry): void {
  openModel(manifest, model)[Symbol.dispose]();
}

/** The verified bytes of a model. Errors: MODEL_MISSING, MODEL_HASH (exit 78). */
export function readModel(manifest: Place, model: ModelEntry): Uint8Array<ArrayBuffer> {
  using opened = openModel(manifest, model);
  return bytesOf(opened);
}

/** The content of an open model. */
export function bytesOf({ file, bytes }: ModelFile): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) {
    const count = readSync(file, content, at, bytes - at, at);
    if (count === 0) throw new Error('the file of a model became shorter while it was read');
    at += count;
  }
  return content;
}
