// Whether the models are present and unaltered, and whether they run with XNNPACK and in their sandbox.
import { RoomkinError } from '../../base/errors.js';
import { silentLog } from '../../base/log.js';
import type { Config } from '../../config/load.js';
import { askDaemon } from '../../control/client.js';
import type { EngineInfo } from '../../engine/engine.js';
import { chooseEmbedder, readManifest } from '../../engine/manifest.js';
import { verifyModel } from '../../engine/model-file.js';
import type { CommandIo } from '../command.js';
import { daemonSocket } from '../parts.js';
import { type Finding, fault, ok, warn } from './finding.js';

/** The daemon answers at once, or is not asked any more. */
const withinMs = 5000;

/**
 * Verifies the hashes of the models. The answer of the running daemon about its engine is enough: a second engine could take the last memory
 * of a small board. Without a daemon, or with another model or runtime than the configured one, the models are loaded, which tests the
 * delegate and the sandbox.
 */
export async function checkModels(config: Config, io: CommandIo): Promise<Finding> {
  try {
    const { detector, embedder, embedderRuntime, delegate, delegateReason, sandboxed, sandboxReason, addonReason } =
      await modelsInUse(config, io);
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

async function modelsInUse(config: Config, io: CommandIo): Promise<EngineInfo> {
  const manifest = readManifest();
  const wanted = chooseEmbedder(manifest, config.embedder.id);
  const running = await askDaemon<EngineInfo>(daemonSocket(config), { verb: 'engine' }, withinMs, io.signal).catch(
    (error: unknown): null => {
      if (error instanceof RoomkinError) return null;
      throw error;
    },
  );
  const { runtime } = config.embedder;
  if (running?.embedder === wanted.id && (running.embedderRuntime ?? 'tflite') === runtime) {
    for (const model of [manifest.detector, manifest.checker, wanted]) verifyModel(manifest, model);
    return running;
  }
  await using engine = await io.openEngine(config, { log: silentLog });
  return await engine.start();
}
