// A verb's streams: results on stdout, progress and logs on stderr, so that `roomkin ... --json | jq` always works.
import { existsSync } from 'node:fs';
import { createLog } from '../base/log.js';
import { type Config, defaultConfigPath, loadConfig, shippedConfig } from '../config.js';
import type { CommandIo } from './command.js';

export interface IoOptions {
  readonly json: boolean;
  /** From `--config`; else ROOMKIN_CONFIG, else /etc/roomkin/config.toml. */
  readonly configPath: string | null;
  readonly signal: AbortSignal;
}

/** How often progress is printed where it cannot overwrite itself, milliseconds. */
const progressEveryMs = 5000;

/** The streams of this process as a CommandIo. */
export function createIo({ json, configPath, signal }: IoOptions): CommandIo {
  const terminal = process.stderr.isTTY === true;
  let config: Config | null = null;
  let progressShown = false;
  let progressAt = Number.NEGATIVE_INFINITY;
  const clearProgress = (): void => {
    if (progressShown) process.stderr.write('\r\u001b[K');
    progressShown = false;
  };
  const log = createLog('info');
  const named = configPath ?? process.env['ROOMKIN_CONFIG'] ?? null;
  const loaded = (): Config => {
    config ??= loadConfig(named ?? defaultConfigPath);
    return config;
  };
  return {
    json,
    columns: process.stdout.columns ?? 80,
    interactive: process.stdin.isTTY === true && terminal,
    signal,
    config: loaded,
    configOrShipped: () => (named !== null || existsSync(defaultConfigPath) ? loaded() : shippedConfig()),
    out(line) {
      clearProgress();
      if (!json) process.stdout.write(`${line}\n`);
    },
    document(value) {
      clearProgress();
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    progress(text) {
      if (text === '') return clearProgress();
      if (terminal) {
        process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
        progressShown = true;
        return;
      }
      if (performance.now() - progressAt < progressEveryMs) return;
      progressAt = performance.now();
      process.stderr.write(`${text}\n`);
    },
    log(level, message, fields) {
      clearProgress();
      log(level, message, fields);
    },
  };
}
