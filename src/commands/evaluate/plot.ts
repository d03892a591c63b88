// evaluate --plot: refuses what cannot be drawn before the evaluation, which takes minutes, and writes the picture after it.
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { basename, dirname, extname } from 'node:path';
import { fail, RoomkinError } from '../../base/errors.js';
import { packageVersion, replaceFile } from '../../base/files.js';
import { shortened } from '../../base/width.js';
import { type Embedder, type Manifest, readManifest } from '../../engine/manifest.js';
import { modelPath } from '../../engine/model-file.js';
import type { CommandIo } from '../command.js';
import { type Given, misused } from '../verbs.js';
import { type DetResult, type Protocol, readResult } from './det.js';
import { type DrawnResult, detPlot } from './det-plot.js';

export interface Plot {
  /**
   * Writes the picture of `result` with that of the teacher, which `measure` evaluates in the same way where it is installed. Errors: OUTPUT,
   * those of `measure`.
   */
  write(result: DetResult, measure: (embedder: string) => Promise<DetResult>): Promise<void>;
}

/** null without --plot. Errors: USAGE, OUTPUT, RESULT_REFUSED. */
export async function openPlot(given: Given<'evaluate'>, protocol: Protocol, io: CommandIo): Promise<Plot | null> {
  const { plot: path, compare } = given;
  if (path === undefined) {
    if (compare !== undefined) throw misused('evaluate', '--compare needs --plot FILE.svg');
    return null;
  }
  if (extname(path).toLowerCase() !== '.svg') throw fail('USAGE', `${path} must end with .svg`);
  refuseUnwritable(path);
  const compared: DrawnResult[] = [];
  if (compare !== undefined) {
    const result = await readResult(compare, protocol);
    compared.push({ label: `${shortened(basename(compare), 30)} (${shortened(result.embedder, 30)})`, result });
  }
  return {
    async write(result, measure) {
      const drawn: DrawnResult[] = [{ label: `${result.embedder} (roomkin ${packageVersion})`, result }];
      const teacher = teacherOf(readManifest(), result.embedder);
      if (teacher !== null && isInstalled(readManifest(), teacher)) {
        io.progress(`the same with the teacher ${teacher.id}...`);
        drawn.push({ label: `${teacher.id} (teacher)`, result: await measure(teacher.id) });
      } else if (teacher !== null) {
        io.log('notice', `the teacher ${teacher.id} is not installed here, so its curve is left out`);
      }
      try {
        replaceFile(path, detPlot([...drawn, ...compared], protocol));
      } catch (cause) {
        throw unwritable(path, cause);
      }
      io.out(`DET curve of ${[...drawn, ...compared].map(({ label }) => label).join(', ')}: ${path}`);
    },
  };
}

/** The model whose embeddings the embedder was trained to give: the float model of the same space; null for itself and others. */
export function teacherOf(manifest: Manifest, id: string): Embedder | null {
  const embedder = manifest.embedders.find((other) => other.id === id);
  if (embedder === undefined || embedder.input.type !== 'int8') return null;
  return manifest.embedders.find(({ space, input }) => space === embedder.space && input.type === 'float32') ?? null;
}

/** The teacher is part of a development package, which is not installed on a Pi. */
function isInstalled(manifest: Manifest, model: Embedder): boolean {
  try {
    return existsSync(modelPath(manifest, model));
  } catch (error) {
    if (error instanceof RoomkinError) return false;
    throw error;
  }
}

function refuseUnwritable(path: string): void {
  try {
    if (existsSync(path) && !statSync(path).isFile()) throw Object.assign(new Error('no file'), { code: 'EISDIR' });
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
    if (!statSync(dirname(path)).isDirectory()) throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' });
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): RoomkinError {
  return fail(
    'OUTPUT',
    `${path} cannot be written (${(cause as NodeJS.ErrnoException).code}): choose another name or folder`,
    cause,
  );
}
