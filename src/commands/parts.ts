// How a verb opens what it needs: the gallery and the engine, as the daemon's configuration says.
import { createEngine } from '../engine/create-engine.js';
import type { Engine } from '../engine/engine.js';
import { chooseEmbedder, readManifest } from '../engine/manifest.js';
import { engineOptions } from '../engine-options.js';
import { openStore } from '../store/gallery-store.js';
import type { Store } from '../store/store.js';
import type { CommandIo } from './command.js';

/** The gallery of the configuration. Errors: CONFIG_*, DATABASE, KEY_FILE. */
export function openGallery(io: CommandIo): Store {
  return openStore({ ...io.config().store, onDamage: (sentence) => io.log('warning', sentence) });
}

/** An engine as the configuration says, not yet started. */
export function configuredEngine(io: CommandIo): Engine {
  return createEngine(engineOptions(io.config(), io.log));
}

/** The embedding space of the configured embedder, without starting it. Errors: MODEL_MISSING, MODEL_HASH. */
export function configuredSpace(io: CommandIo): string {
  return chooseEmbedder(readManifest(), io.config().embedder.id).space;
}
