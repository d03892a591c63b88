// The settings of rpicam-vid and ffmpeg that `[camera.options]` passes on: each key once, with its values, its program and its option.
import { z } from 'zod';

/** A time with its unit, as rpicam-vid reads it; a number is microseconds. */
const time = z
  .union([z.number(), z.string()])
  .transform((value) => (typeof value === 'number' ? `${value}us` : value))
  .refine(
    (value) => /^[1-9]\d{0,7}(\.\d{1,3})?(us|ms|s)$/.test(value),
    'must be a time with its unit, such as "10000us" or "10ms"',
  );

/** The section `[camera.options]`. rpicam-apps 1.12, ffmpeg 5.1. */
export const cameraSettings = z.strictObject({
  autofocus_mode: z.enum(['default', 'manual', 'auto', 'continuous']).optional(),
  autofocus_range: z.enum(['normal', 'macro', 'full']).optional(),
  /** Dioptres: 0 is infinity, 2 is half a metre. */
  lens_position: z.number().min(0).max(32).optional(),
  awb: z.enum(['auto', 'incandescent', 'tungsten', 'fluorescent', 'indoor', 'daylight', 'cloudy', 'custom']).optional(),
  /** Gains of red and blue. */
  awb_gains: z.tuple([z.number().min(0).max(32), z.number().min(0).max(32)]).optional(),
  flicker_period: time.optional(),
  exposure: z.enum(['normal', 'sport', 'long']).optional(),
  shutter: time.optional(),
  gain: z.number().min(0).max(64).optional(),
  /** Stops. */
  ev: z.number().min(-10).max(10).optional(),
  metering: z.enum(['centre', 'spot', 'average', 'custom']).optional(),
  denoise: z.enum(['auto', 'off', 'cdn_off', 'cdn_fast', 'cdn_hq']).optional(),
  input_format: z.enum(['mjpeg', 'h264', 'yuyv422', 'yuv420p', 'nv12', 'rgb24', 'bgr24', 'gray']).optional(),
  rtsp_transport: z.enum(['tcp', 'udp', 'udp_multicast', 'http', 'https']).optional(),
});

export type CameraSettings = z.output<typeof cameraSettings>;
export type CameraSetting = keyof CameraSettings;

interface Passed {
  readonly program: 'rpicam-vid' | 'ffmpeg';
  readonly option: string;
}

const passed: Readonly<Record<CameraSetting, Passed>> = {
  autofocus_mode: { program: 'rpicam-vid', option: '--autofocus-mode' },
  autofocus_range: { program: 'rpicam-vid', option: '--autofocus-range' },
  lens_position: { program: 'rpicam-vid', option: '--lens-position' },
  awb: { program: 'rpicam-vid', option: '--awb' },
  awb_gains: { program: 'rpicam-vid', option: '--awbgains' },
  flicker_period: { program: 'rpicam-vid', option: '--flicker-period' },
  exposure: { program: 'rpicam-vid', option: '--exposure' },
  shutter: { program: 'rpicam-vid', option: '--shutter' },
  gain: { program: 'rpicam-vid', option: '--gain' },
  ev: { program: 'rpicam-vid', option: '--ev' },
  metering: { program: 'rpicam-vid', option: '--metering' },
  denoise: { program: 'rpicam-vid', option: '--denoise' },
  input_format: { program: 'ffmpeg', option: '-input_format' },
  rtsp_transport: { program: 'ffmpeg', option: 'rtsp_transport' },
};

/** Less load on the ISP of a Pi 4 and older. */
const usual: CameraSettings = { denoise: 'cdn_off' };

/** The arguments of rpicam-vid for `settings`. */
export function libcameraSettings(settings: CameraSettings): string[] {
  const all = { ...usual, ...settings };
  return Object.entries(all).flatMap(([key, value]) => {
    const { program, option } = passed[key as CameraSetting];
    return program === 'rpicam-vid' && value !== undefined ? [option, String(value)] : [];
  });
}

/** Why `settings` have no effect on this camera, with the key concerned; null if each has one. */
export function settingFault(
  settings: CameraSettings,
  { source, input }: { readonly source: string; readonly input: string | null },
): { readonly key: CameraSetting; readonly text: string } | null {
  for (const key of Object.keys(settings) as CameraSetting[]) {
    const { program } = passed[key];
    if (program === 'rpicam-vid' && source !== 'libcamera')
      return { key, text: 'is a setting of the Pi camera: remove it, or set [camera] source = "libcamera"' };
    if (key === 'input_format' && !(source === 'ffmpeg' && input?.startsWith('/dev/')))
      return { key, text: 'is a setting of a webcam: [camera] source must be "ffmpeg" and input a /dev/video*' };
    if (key === 'rtsp_transport' && !(source === 'ffmpeg' && /^rtsps?:/i.test(input ?? '')))
      return {
        key,
        text: 'is a setting of an RTSP camera: [camera] source must be "ffmpeg" and input an rtsp:// address',
      };
  }
  const { lens_position, autofocus_mode, awb_gains, awb } = settings;
  if (lens_position !== undefined && (autofocus_mode === 'auto' || autofocus_mode === 'continuous'))
    return {
      key: 'lens_position',
      text: `has no effect with autofocus_mode = "${autofocus_mode}": remove one of them`,
    };
  if (awb_gains !== undefined && awb !== undefined && awb !== 'custom')
    return { key: 'awb_gains', text: `has no effect with awb = "${awb}": remove one of them` };
  return null;
}
