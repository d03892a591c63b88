// What somebody who is being enrolled is told: one sentence for each picture, of at most 73 characters.
import { count, type Guidance, good, type Pose, poses } from './guided-enrolment.js';

const asked: Readonly<Record<Pose, string>> = {
  front: 'look into the camera',
  left: 'turn your head to your left',
  right: 'turn your head to your right',
  up: 'lift your chin a little',
  down: 'lower your chin a little',
};

/**
 * What to do now. `mirrored`: the camera's picture is a mirror's, so that the person's left is the image's left.
 */
export function advice(now: Guidance, mirrored = false): string {
  const { obstacle, face, faces, next } = now;
  if (next === null) return 'that is all, thank you';
  const px = face?.quality.eyesPx.toFixed(0);
  const fine = (value: number | undefined) => value?.toFixed(2);
  switch (obstacle) {
    case 'blind':
      return 'wait: the camera gives no picture';
    case 'nobody':
      return 'stand before the camera: no face is to be seen';
    case 'several':
      return `one face only, please: ${faces} are to be seen (a picture counts, too)`;
    case 'small':
      return `come closer (${px} px between the eyes, ${good.eyesPx} wanted)`;
    case 'dark':
      return `more light on the face (${fine(face?.quality.light)}, ${good.leastLight} wanted)`;
    case 'bright':
      return `less light on the face (${fine(face?.quality.light)}, ${good.mostLight} at most)`;
    case 'flat':
      return `more even light, none from behind (contrast ${fine(face?.quality.contrast)}, ${good.contrast} wanted)`;
    case 'blurred':
      return `hold still (sharpness ${fine(face?.quality.sharpness)}, ${good.sharpness} wanted)`;
    case 'doubtful':
      return 'show the whole face: nothing before it, and not turned away';
    case 'other':
      return 'this is another face than the one this began with';
    case 'twin':
      return `move your head a little, and ${poseWords(next, mirrored)}`;
    case 'pose':
    case 'taken':
      return poseWords(next, mirrored);
  }
}

/** Poses of which there is no look, as a sentence's end; '' where there are all. */
export function leftOutWords({ taken }: Pick<Guidance, 'taken'>): string {
  const missing = poses.filter((pose) => count(taken, pose) === 0);
  return missing.length === 0 ? '' : `, without ${missing.join(', ')}`;
}

function poseWords(pose: Pose, mirrored: boolean): string {
  if (!mirrored) return asked[pose];
  return asked[pose === 'left' ? 'right' : pose === 'right' ? 'left' : pose];
}
