// What config.toml may say: one object a section, snake_case, units in the names. Unknown keys are errors.
import { z } from 'zod';
import { idPattern, reservedIds } from '../gallery/names.js';

/** Ids become MQTT topic levels and Home Assistant states. */
const id = z
  .string()
  .regex(idPattern, 'use 1 to 32 of a-z, 0-9, _ and -')
  .refine((value) => !reservedIds.has(value), 'this word has a meaning in Home Assistant: choose another');
/** A text without control characters, at most 256 characters. */
const text = z
  .string()
  .min(1, 'must not be empty')
  .max(256, 'at most 256 characters')
  .regex(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/, 'must not hold control characters');
const path = text.max(1024);
const topic = text.regex(/^[^+#/\s]+(\/[^+#/\s]+)*$/, 'use levels separated by /, without +, # and spaces');
const seconds = (least: number, most: number) => z.number().min(least).max(most);
const pixels = z.number().int().min(64).max(4096).multipleOf(2);
const url = text.max(1024).refine((value) => /^(mqtt|mqtts|ws|wss):\/\/[^/\s]+/.test(value) && URL.canParse(value), {
  message: 'use mqtt://host:1883 or mqtts://host:8883',
});

export const configSchema = z.strictObject({
  room: z.strictObject({
    id,
    name: text.max(64).optional(),
  }),
  camera: z
    .strictObject({
      source: z.enum(['libcamera', 'ffmpeg', 'replay']).default('libcamera'),
      input: text.max(1024).optional(),
      width: pixels.default(1280),
      height: pixels.default(960),
      framerate: z.number().min(0.2).max(60).default(5),
      index: z.number().int().min(0).max(15).optional(),
      hflip: z.boolean().default(false),
      vflip: z.boolean().default(false),
      rotation: z.literal([0, 180]).default(0),
      mode: text.regex(/^\d+:\d+(:\d+(:[PU])?)?$/, 'as rpicam-vid wants it: WIDTH:HEIGHT:BITS:P').optional(),
      roi: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional(),
      tuning_file: path.optional(),
      loop: z.boolean().default(false),
      stall_seconds: seconds(1, 300).default(5),
    })
    .refine((camera) => camera.source === 'libcamera' || camera.input !== undefined, {
      message: 'is required: a file, device or rtsp:// address for ffmpeg, a folder of pictures for replay',
      path: ['input'],
    })
    .prefault({}),
  detector: z
    .strictObject({
      score: z.number().min(0.1).max(0.99).optional(),
      min_eyes_px: z.number().min(6).max(200).default(12),
      tiles_per_frame: z.number().int().min(0).max(64).default(2),
    })
    .prefault({}),
  embedder: z
    .strictObject({
      id: text.max(64).optional(),
      threads: z.number().int().min(1).max(8).optional(),
    })
    .prefault({}),
  recognition: z
    .strictObject({
      threshold: z.number().min(0.1).max(0.95).optional(),
      margin: z.number().min(0).max(0.5).optional(),
      wrong_names_per_month: z.number().min(0.01).max(100).default(1),
      strangers_per_day: z.number().min(0.1).max(10_000).default(20),
      picture_after_minutes: z
        .number()
        .refine((minutes) => minutes === 0 || (minutes >= 10 && minutes <= 1440), 'use 10 to 1440, or 0 for never')
        .default(60),
    })
    .prefault({}),
  presence: z
    .strictObject({
      looks: z.number().int().min(1).max(50).default(3),
      window_seconds: seconds(0.2, 60).default(3),
      leave_after_seconds: seconds(0, 86400).default(60),
      hold_seconds: seconds(0, 86400).default(0),
      motion_half_life_seconds: seconds(0, 86400).default(900),
      strangers: z.boolean().default(true),
    })
    .prefault({}),
  mqtt: z
    .strictObject({
      url: url.default('mqtt://localhost:1883'),
      base: topic.default('room'),
      protocol: z.literal([5, 4]).default(5),
      client_id: text.max(64).optional(),
      username: text.optional(),
      password: text.max(1024).optional(),
      password_file: path.optional(),
      ca_file: path.optional(),
      cert_file: path.optional(),
      key_file: path.optional(),
      servername: text.optional(),
      verify: z.boolean().default(true),
      keepalive_seconds: seconds(2, 600).default(3),
    })
    .refine((mqtt) => !(mqtt.password !== undefined && mqtt.password_file !== undefined), {
      message: 'give password or password_file, not both',
      path: ['password_file'],
    })
    .prefault({}),
  home_assistant: z
    .strictObject({
      discovery: z.boolean().default(true),
      prefix: topic.default('homeassistant'),
      area: text.max(64).optional(),
      trackers: z.boolean().default(false),
      mqtt_room: z.boolean().default(false),
    })
    .prefault({}),
  household: z.strictObject({ id: id.default('home'), key_file: path.optional() }).prefault({}),
  privacy: z
    .strictObject({
      snapshots: z.boolean().default(false),
      looks_kept_hours: z.number().min(0).max(24).default(24),
    })
    .prefault({}),
  store: z
    .strictObject({
      directory: path.default('/var/lib/roomkin'),
      key_file: path.optional(),
    })
    .prefault({}),
  service: z
    .strictObject({
      log_level: z.enum(['debug', 'info', 'notice', 'warning', 'error']).default('info'),
      health_seconds: seconds(5, 3600).default(30),
      control_socket: path.optional(),
    })
    .prefault({}),
});

export type ConfigFile = z.infer<typeof configSchema>;
