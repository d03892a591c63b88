// Whether the models are present and unaltered, and whether they run with XNNPACK and in their sandbox.
import { silentLog } from '../../base/log.js';
import type { Config } from '../../config/load.js';
import type { CommandIo } from '../command.js';
import { type Finding, fault, ok, warn } from './finding.js';

/** Loads both models like the daemon, which verifies their hashes and tests the delegate and the sandbox. */
export async function checkModels(config: Config, io: CommandIo): Promise<Finding> {
  await using engine = await io.openEngine(config, { log: silentLog });
  try {
    const { detector, embedder, embedderRuntime, delegate, delegateReason, sandboxed, sandboxReason, addonReason } =
      await engine.start();
    const models = `${detector} and ${embedder}${embedderRuntime === 'onnxruntime' ? ' (ONNX Runtime)' : ''}, hashes correct`;
    const slow = 'without XNNPACK: several times slower on a PC, less on a Pi';
    const open = 'not in a sandbox: a fault in the model runtime could reach the network';
    const advice = 'run npm ci where a C compiler is installed';
    if (delegate !== 'xnnpack') {
      return warn('models', `${models}, ${slow}${sandboxed ? '' : `; ${open}`}`, delegateReason ?? advice);
    }
    if (!sandboxed) return warn('models', `${models}, with XNNPACK, ${open}`, sandboxReason ?? advice);
    if (addonReason !== null)
      return warn(
        'models',
        `${models}, with XNNPACK, but frames take more processor time than they need to`,
        addonReason,
      );
    return ok('models', `${models}, with XNNPACK, in a sandbox without network`);
  } catch (error) {
    return fault('models', error);
  }
}
