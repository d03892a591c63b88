// The gallery, the embedding space and the control socket that the configuration names, for the verbs.
import { accessSync, constants } from 'node:fs';
import type { Config } from '../config/load.js';
import { type SocketPath, socketPath } from '../control/path.js';
import { chooseEmbedder, readManifest } from '../engine/manifest.js';
import { openStore } from '../store/gallery-store.js';
import type { Store } from '../store/store.js';
import type { CommandIo } from './command.js';

/** The gallery of the configuration. Errors: CONFIG_*, DATABASE, KEY_FILE. */
export function openGallery(io: CommandIo): Store {
  return openStore({ ...io.config().store, onDamage: (sentence) => io.log('warning', sentence) });
}

/** The embedding space of the configured embedder, without starting it. Errors: MODEL_MISSING, MODEL_HASH. */
export function configuredSpace(io: CommandIo): string {
  return chooseEmbedder(readManifest(), io.config().embedder.id).space;
}

/** The control socket of a room. */
export function daemonSocket(config: Config): SocketPath {
  return socketPath({
    room: config.room.id,
    storeDirectory: config.store.directory,
    configured: config.service.controlSocket,
  });
}

/** Whether this user may read and change what is in `directory`; true also where there is no such directory yet. */
export function mayOpen(directory: string): boolean {
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    return !['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}
