// Opens the sharing of the gallery where this room has the household's key: what is sealed by whom, and which vectors fit.
import type { Log } from './base/log.js';
import type { Config } from './config.js';
import { defaultManifestPath, readManifest } from './engine/manifest.js';
import { createGallerySharing, type GallerySharing } from './gallery-sharing.js';
import type { LookLog } from './look-log.js';
import type { Publisher } from './publish/publisher.js';
import { createHouseholdSeal } from './store/household-key.js';
import type { SharedPeople, Store } from './store/store.js';

export interface ShareGalleryParts {
  readonly config: Pick<Config, 'household' | 'room'>;
  /** The household's key; null shares nothing. */
  readonly key: Buffer | null;
  readonly store: Store;
  readonly looks: Pick<LookLog, 'forget'>;
  readonly publisher: Publisher;
  readonly onTaken: () => void;
  readonly log: Log;
}

/** Belongs before the publisher's start. null where this room has no key. Errors: MODEL_MISSING, MODEL_HASH, DATABASE. */
export function shareGallery({ config, key, store, looks, ...parts }: ShareGalleryParts): GallerySharing | null {
  if (key === null) return null;
  return createGallerySharing({ ...parts, people: sharedPeople(config, key, store, (person) => looks.forget(person)) });
}

/** The people of `store` as the rooms of the household share them. */
export function sharedPeople(
  { household, room }: Pick<Config, 'household' | 'room'>,
  key: Buffer,
  store: Store,
  onErase?: (person: string) => void,
  manifestPath = defaultManifestPath,
): SharedPeople {
  const { embedders } = readManifest(manifestPath);
  return store.shared({
    household: createHouseholdSeal(key, household.id),
    room: room.id,
    dimensions: new Map(embedders.map(({ space, dimension }) => [space, dimension])),
    ...(onErase ? { onErase } : {}),
  });
}
