// The schema of config.toml: each key once, with its limits and its default. In the file keys are snake_case with units in their
// names; `Config` has camelCase keys and durations in milliseconds. Unknown keys are errors.
import { join } from 'node:path';
import { z } from 'zod';
import { addressFault, cameraInput } from '../camera/address.js';
import { cameraSettings, settingFault } from '../camera/settings.js';
import { idFault } from '../gallery/names.js';
import { brokerUrl, readBrokerAddress } from './broker-address.js';
import { certificateFault, prefixFault } from './mqtt-rules.js';

/** A text without control characters. */
const text = (maxLength = 256) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(maxLength, `at most ${maxLength} characters`)
    .regex(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/, 'must not contain control characters');
const path = text(1024);
/** A text for which `fault` returns null. */
const checked = (fault: (value: string) => string | null) =>
  z.string().superRefine((value, context) => {
    const message = fault(value);
    if (message !== null) context.addIssue(message);
  });
/** The address of a broker in one form, whatever form it was written in. */
const brokerAddress = z.string().transform((written, context) => {
  const address = readBrokerAddress(written);
  if (!('fault' in address)) return brokerUrl(address);
  context.addIssue(address.fault);
  return z.NEVER;
});
const id = checked(idFault);
const seconds = (min: number, max: number) => z.number().min(min).max(max);
const pixels = z.number().int().min(64).max(4096).multipleOf(2);

/** A key that may be absent; it is then null. */
const orNull = <Schema extends z.ZodType>(schema: Schema) => schema.optional().transform((value) => value ?? null);

/** `16:9` → 1.78. */
function aspectOf(text: string): number {
  const [width, height] = text.split(':').map(Number);
  return width! / height!;
}

type Camel<Key extends string> = Key extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Key;
type PartKey<Key extends string> = Key extends `${infer Stem}_seconds` | `${infer Stem}_minutes` | `${infer Stem}_hours`
  ? `${Camel<Stem>}Ms`
  : Camel<Key>;
type ForParts<Section> = { [Key in keyof Section & string as PartKey<Key>]: Section[Key] };

const unitMs: Readonly<Record<string, number>> = { seconds: 1000, minutes: 60_000, hours: 3_600_000 };

/** `stall_seconds: 5` → `stallMs: 5000`, `min_eyes_px` → `minEyesPx`. */
function forParts<Section extends object>(section: Section): ForParts<Section> {
  const entries = Object.entries(section).map(([key, value]) => {
    const [, stem, unit] = /^(.+)_(seconds|minutes|hours)$/.exec(key) ?? [];
    const name = (stem ?? key).replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    return unit === undefined ? [name, value] : [`${name}Ms`, value * unitMs[unit]!];
  });
  return Object.fromEntries(entries) as ForParts<Section>;
}

/** A section that may be left out. */
const section = <Schema extends z.ZodType<object>>(schema: Schema) => schema.transform(forParts).prefault({} as never);

/** The sections of the file. */
export const sections = z.strictObject({
  room: z.strictObject({
    id,
    name: orNull(text(64)),
  }),
  camera: section(
    z
      .strictObject({
        source: z.enum(['libcamera', 'ffmpeg', 'replay']).default('libcamera'),
        input: orNull(
          z
            .string()
            .transform(cameraInput)
            .refine((input) => input !== '', 'is empty: write an address, a device or a path')
            .pipe(text(1024)),
        ),
        width: pixels.default(1280),
        height: pixels.default(960),
        framerate: z.number().min(0.2).max(60).default(5),
        index: orNull(z.number().int().min(0).max(15)),
        hflip: z.boolean().default(false),
        vflip: z.boolean().default(false),
        rotation: z.literal([0, 90, 180, 270]).default(0),
        mode: orNull(text().regex(/^\d+:\d+(:\d+(:[PU])?)?$/, 'use the form of rpicam-vid: WIDTH:HEIGHT:BITS:P')),
        roi: orNull(z.tuple([z.number(), z.number(), z.number(), z.number()])),
        tuning_file: orNull(path),
        loop: z.boolean().default(false),
        stall_seconds: seconds(1, 300).default(5),
        aspect: orNull(
          z
            .string()
            .regex(/^\d{1,4}:\d{1,4}$/, 'use the form WIDTH:HEIGHT, such as "16:9"')
            .transform(aspectOf)
            .refine((aspect) => aspect >= 0.2 && aspect <= 5, 'must be between 1:5 and 5:1'),
        ),
        snapshot_seconds: seconds(0.1, 60).default(1),
        options: cameraSettings.prefault({}),
      })
      .refine((camera) => camera.source === 'libcamera' || camera.input !== null, {
        message: 'is required: a file, device or rtsp:// address for ffmpeg, a folder of pictures for replay',
        path: ['input'],
      })
      .superRefine((camera, context) => {
        const fault = camera.source === 'ffmpeg' && camera.input !== null ? addressFault(camera.input) : null;
        if (fault !== null) context.addIssue({ code: 'custom', message: fault, path: ['input'] });
        const unused = settingFault(camera.options, camera);
        if (unused !== null) context.addIssue({ code: 'custom', message: unused.text, path: ['options', unused.key] });
        if (camera.aspect !== null && camera.source === 'libcamera')
          context.addIssue({
            code: 'custom',
            message: 'the pixels of a Pi camera are square: remove it',
            path: ['aspect'],
          });
      }),
  ),
  detector: section(
    z.strictObject({
      score: orNull(z.number().min(0.1).max(0.99)),
      min_eyes_px: z.number().min(6).max(200).default(12),
      tiles_per_frame: z.number().int().min(0).max(64).default(1),
    }),
  ),
  embedder: section(
    z
      .strictObject({
        id: orNull(text(64)),
        threads: orNull(z.number().int().min(1).max(8)),
        runtime: z.enum(['tflite', 'onnxruntime']).default('tflite'),
        device: text(32).default('cpu'),
      })
      .refine(({ runtime, device }) => runtime === 'onnxruntime' || device === 'cpu', {
        message: 'needs runtime = "onnxruntime"',
        path: ['device'],
      }),
  ),
  recognition: section(
    z.strictObject({
      threshold: orNull(z.number().min(0.1).max(0.95)),
      margin: orNull(z.number().min(0).max(0.5)),
      wrong_names_per_month: z.number().min(0.01).max(100).default(1),
      strangers_per_day: z.number().min(0.1).max(10_000).default(20),
      picture_after_minutes: z
        .number()
        .refine((minutes) => minutes === 0 || (minutes >= 10 && minutes <= 1440), 'use 10 to 1440, or 0 for never')
        .transform((minutes) => (minutes === 0 ? Number.POSITIVE_INFINITY : minutes))
        .prefault(60),
    }),
  ),
  presence: section(
    z
      .strictObject({
        looks: z.number().int().min(1).max(50).default(3),
        window_seconds: seconds(0.2, 60).default(3),
        // `left` is published when the last observation or motion is older than this. The number entity "Leave after" in Home Assistant
        // changes it.
        leave_after_seconds: seconds(2, 86400).default(60),
        // Of roomkin 0.1: the longer of the two counted.
        hold_seconds: seconds(0, 86400).optional(),
        motion_half_life_seconds: seconds(0, 86400).default(900),
        strangers: z.boolean().default(true),
      })
      .transform(({ hold_seconds = 0, ...presence }) => ({
        ...presence,
        leave_after_seconds: Math.max(presence.leave_after_seconds, hold_seconds),
      })),
  ),
  mqtt: section(
    z
      .strictObject({
        url: brokerAddress.default('mqtt://localhost:1883'),
        base: checked(prefixFault).default('room'),
        protocol: z.literal([5, 4]).default(5),
        client_id: orNull(text(64)),
        username: orNull(text()),
        password: orNull(text(1024)),
        password_file: orNull(path),
        ca_file: orNull(path),
        cert_file: orNull(path),
        key_file: orNull(path),
        servername: orNull(text()),
        verify: z.boolean().default(true),
        keepalive_seconds: seconds(2, 600).default(3),
        corrections: z.boolean().default(false),
      })
      .refine((mqtt) => mqtt.password === null || mqtt.password_file === null, {
        message: 'set password or password_file, not both',
        path: ['password_file'],
      })
      .superRefine((mqtt, context) => {
        const fault = certificateFault(mqtt.cert_file, mqtt.key_file);
        if (fault !== null) context.addIssue({ code: 'custom', message: fault.text, path: [fault.key] });
      }),
  ),
  home_assistant: section(
    z.strictObject({
      discovery: z.boolean().default(true),
      prefix: checked(prefixFault).default('homeassistant'),
      area: orNull(text(64)),
      trackers: z.boolean().default(false),
    }),
  ),
  household: section(z.strictObject({ id: id.default('home'), key_file: orNull(path) })),
  privacy: section(
    z.strictObject({
      snapshots: z.boolean().default(false),
      look: z.boolean().default(true),
      page_pictures: z.boolean().default(false),
      looks_kept_hours: z.number().min(0).max(24).default(24),
    }),
  ),
  store: section(
    z.strictObject({
      directory: path.default('/var/lib/roomkin'),
      key_file: orNull(path),
    }),
  ),
  service: section(
    z.strictObject({
      log_level: z.enum(['debug', 'info', 'notice', 'warning', 'error']).default('info'),
      names_in_log: z.boolean().default(true),
      health_seconds: seconds(5, 3600).default(30),
      control_socket: orNull(path),
    }),
  ),
});

/** The configuration: durations in milliseconds, null for absent values. */
export type Config = z.output<typeof configSchema>;

/** From the parsed file to `Config`. */
export const configSchema = sections.superRefine(checkCorrections).transform(forParts).transform(withDerived);

/** A correction over MQTT names the observation that a picture shows, and needs its entry in the journal. */
function checkCorrections(
  { mqtt, privacy }: Pick<z.output<typeof sections>, 'mqtt' | 'privacy'>,
  context: z.core.$RefinementCtx,
): void {
  if (!mqtt.corrections || (privacy.snapshots && privacy.looksKeptMs > 0)) return;
  const missing = privacy.snapshots ? 'privacy.looks_kept_hours above 0' : 'privacy.snapshots = true';
  context.addIssue({ code: 'custom', message: `needs ${missing}`, path: ['mqtt', 'corrections'] });
}

/** Fills in the defaults that depend on other keys: the room's name, its area and the paths of the key files. */
function withDerived({ room, homeAssistant, household, store, ...rest }: ForParts<z.output<typeof sections>>) {
  const name = room.name ?? room.id.charAt(0).toUpperCase() + room.id.slice(1).replaceAll(/[_-]/g, ' ');
  return {
    ...rest,
    room: { ...room, name },
    homeAssistant: { ...homeAssistant, area: homeAssistant.area ?? name },
    household: { ...household, keyFile: household.keyFile ?? join(store.directory, 'household-key') },
    // Where the room keeps what is its own: journal and privacy switch. One of several rooms has a folder for it (load.ts).
    store: { ...store, keyFile: store.keyFile ?? join(store.directory, 'key'), roomDirectory: store.directory },
  };
}
