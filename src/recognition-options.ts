// From the configuration and the embedder in use to what recognition is told.
import type { Config } from './config.js';
import { optionsFor, type RecognitionOptions } from './domain/options.js';
import { chooseEmbedder, readManifest } from './engine/manifest.js';

/** The options shipped for the embedder with what the configuration says put over them. Errors: MODEL_MISSING. */
export function recognitionOptions(config: Config): RecognitionOptions {
  const { threshold, margin } = config.recognition;
  const given = { ...(threshold === null ? {} : { threshold }), ...(margin === null ? {} : { margin }) };
  const capped = (strangerBelow: number): number => Math.min(strangerBelow, threshold ?? strangerBelow);
  const shipped = optionsFor(chooseEmbedder(readManifest(), config.embedder.id).id);
  const { look, pooled, gate, naming, fixed, presence, places } = shipped;
  return {
    ...shipped,
    look: { ...look, ...given, strangerBelow: capped(look.strangerBelow) },
    pooled: { ...pooled, ...given },
    gate: { ...gate, leastEyesPx: config.detector.minEyesPx },
    naming: {
      ...naming,
      leastLooks: config.presence.looks,
      windowMs: config.presence.windowMs,
      strangerLooks: config.presence.strangers
        ? Math.max(naming.strangerLooks, config.presence.looks)
        : Number.POSITIVE_INFINITY,
    },
    fixed: { ...fixed, afterMs: config.recognition.pictureAfterMs },
    presence: { ...presence, leaveAfterMs: config.presence.leaveAfterMs, holdMs: config.presence.holdMs },
    places: { ...places, halfLifeMs: config.presence.motionHalfLifeMs },
  };
}
