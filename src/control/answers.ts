// Checks the answers of the daemon. An answer of another form comes from a daemon of another version: without the check a verb would
// fail later with an unclear error. Unknown members are accepted, so a newer daemon may add some.
import { z } from 'zod';
import type { EngineInfo } from '../engine/engine.js';
import type { Reason } from '../gallery/reason.js';
import type { ExplainedObservation } from '../journal/journal.js';
import { qualitySchema } from '../vision/quality-schema.js';
import type {
  CameraView,
  ControlRequest,
  DaemonStatus,
  FacePictureAnswer,
  LiveFace,
  LiveUpdate,
  PictureUpdate,
  RoomState,
  WatchUpdate,
} from './protocol.js';

const number = z.number();
const text = z.string();
const nullableText = text.nullable();
const nullableNumber = number.nullable();

const roomState = z.object({
  occupied: z.boolean().nullable(),
  people: z.array(z.object({ person: text, name: text, as: z.enum(['seen', 'assumed']), since: text })).nullable(),
  ambiguous: z.array(z.object({ people: z.array(text), names: z.array(text), since: text })).nullable(),
  strangers: nullableNumber,
}) satisfies z.ZodType<RoomState>;

const status = z.object({
  version: text,
  room: text,
  pid: number,
  uptimeSeconds: number,
  recognition: z.enum(['on', 'off']),
  recognitionReason: nullableText,
  problems: z.array(z.object({ part: text, problem: text, since: nullableText })),
  camera: z.object({
    state: z.enum(['starting', 'online', 'offline', 'paused']),
    reason: nullableText,
    frames: number,
    drops: number,
    reopened: number,
    snapshots: z.boolean().optional(),
  }),
  engine: z
    .object({
      detector: text,
      embedder: text,
      delegate: z.enum(['xnnpack', 'none']),
      delegateReason: nullableText,
      sandboxed: z.boolean(),
      restarts: number,
    })
    .nullable(),
  frames: z.object({
    processed: number,
    fps: number,
    analysedFps: number,
    search: z.enum(['full', 'reduced']),
    p50Ms: nullableNumber,
    p95Ms: nullableNumber,
  }),
  gallery: z.object({ people: number, templates: number }),
  mqtt: z.object({ connected: z.boolean(), url: text, reason: nullableText }),
  presence: roomState,
  fixedFaces: z.array(z.object({ xPx: number, yPx: number, widthPx: number, stillSeconds: number })),
}) satisfies z.ZodType<DaemonStatus>;

/** Nothing in a verb reads more of a reason than its kind. */
const reason = z.custom<Reason>((value) => z.object({ kind: text }).safeParse(value).success);
const candidate = z.object({ name: text, similarity: number, threshold: nullableNumber }).nullable();

const observation = z.object({
  id: number,
  at: text,
  track: nullableNumber,
  eyesPx: number,
  sharpness: number,
  yawDegrees: number,
  pitchDegrees: number,
  light: number,
  best: candidate,
  second: candidate,
  margin: nullableNumber,
  state: text,
  name: nullableText,
  rule: text,
  reason,
}) satisfies z.ZodType<ExplainedObservation>;

const watchUpdate = z.discriminatedUnion('type', [
  roomState.extend({ type: z.literal('state'), at: text }),
  z.object({
    type: z.literal('event'),
    at: text,
    event: z.enum(['arrived', 'left', 'stranger_arrived', 'stranger_left']),
    person: nullableText,
    name: nullableText,
    confidence: z.enum(['high', 'medium']),
    moved_to: text.exactOptional(),
  }),
]) satisfies z.ZodType<WatchUpdate>;

const liveFace = z.object({
  score: number,
  quality: qualitySchema,
  embedding: nullableText,
  weight: number,
  best: nullableText,
  similarity: nullableNumber,
  person: nullableText,
  reason,
}) satisfies z.ZodType<LiveFace>;

const liveUpdate = z.discriminatedUnion('type', [
  z.object({ type: z.literal('frame'), space: text, gallery: number, faces: z.array(liveFace) }),
  z.object({ type: z.literal('blind'), paused: z.boolean(), reason: text }),
]) satisfies z.ZodType<LiveUpdate>;

const px = number;
const point = z.tuple([px, px]);

const view = z.object({
  at: text,
  width: px,
  height: px,
  leastEyesPx: px,
  faces: z.array(
    z.object({
      box: z.tuple([px, px, px, px]),
      landmarks: z.array(point),
      score: number,
      quality: qualitySchema,
      name: nullableText,
      rule: nullableText,
    }),
  ),
  picture: z.object({ width: px, height: px, jpeg: text }),
}) satisfies z.ZodType<CameraView>;

const pictureUpdate = z.object({
  type: z.literal('pictures'),
  pictures: z.array(z.object({ track: number, id: number })),
}) satisfies z.ZodType<PictureUpdate>;
const pictureAnswer = z.object({ jpeg: nullableText }) satisfies z.ZodType<FacePictureAnswer>;

const engine = z.object({
  detector: text,
  embedder: text,
  embedderRuntime: z.enum(['tflite', 'onnxruntime']),
  space: text,
  dimension: number,
  delegate: z.enum(['xnnpack', 'none']),
  delegateReason: nullableText,
  sandboxed: z.boolean(),
  sandboxReason: nullableText,
  addonReason: nullableText,
}) satisfies z.ZodType<EngineInfo>;

const recognition = z.object({ recognition: z.enum(['on', 'off']) });

/** The form of an answer, or of each line of a stream. */
export const answerSchemas: Readonly<Record<ControlRequest['verb'], z.ZodType>> = {
  status,
  engine,
  why: z.array(observation),
  watch: watchUpdate,
  live: liveUpdate,
  look: view,
  pictures: pictureUpdate,
  picture: pictureAnswer,
  pause: recognition,
  resume: recognition,
};
