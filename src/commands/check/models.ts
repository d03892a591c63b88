// Whether the models are present and unaltered, and whether they run with XNNPACK.
import { silentLog } from '../../base/log.js';
import type { Config } from '../../config/load.js';
import type { CommandIo } from '../command.js';
import { type Finding, fault, ok, warn } from './finding.js';

/** Loads both models like the daemon, which verifies their hashes and tests the delegate. */
export async function checkModels(config: Config, io: CommandIo): Promise<Finding> {
  await using engine = await io.openEngine(config, { log: silentLog });
  try {
    const { detector, embedder, delegate, delegateReason } = await engine.start();
    if (delegate === 'xnnpack') return ok('models', `${detector} and ${embedder}, hashes correct, with XNNPACK`);
    const found = `${detector} and ${embedder}, hashes correct, without XNNPACK: several times slower on a PC, less on a Pi`;
    return warn('models', found, delegateReason ?? 'run npm ci where a C compiler is installed');
  } catch (error) {
    return fault('models', error);
  }
}
