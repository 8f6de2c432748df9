// The settings a stage runs under are part of its state: numbered, committed with the positions, and only ever
// replaced by ones with a higher number. So a partition keeps its settings wherever it goes, an older process
// that takes it over goes on under the newer ones, and two processes never take turns in crediting an order.
import { SetupError } from '../runtime/errors'
import type { StageMark } from './ports'
import type { AnyStage } from './stage-batch'

export interface StageRules {
  /** Number of this process's settings. */
  readonly epoch: number
  /** This process's settings, in a form that is equal for equal settings. */
  readonly text: string
  /** The stage under the settings of a text. @throws SetupError when this process does not understand them */
  stageUnder(text: string): AnyStage
}

/** For a stage without settings. */
export function fixedRules(stage: AnyStage): StageRules {
  return { epoch: 0, text: '', stageUnder: () => stage }
}

/**
 * The mark under which a partition goes on: with its own settings, or with this process's newer ones.
 * @throws SetupError when two different settings have one number
 */
export function adoptRules(mark: StageMark, rules: StageRules): StageMark {
  if (rules.epoch > mark.epoch || mark.settings === '') {
    return { ...mark, epoch: rules.epoch, settings: rules.text }
  }
  if (rules.epoch === mark.epoch && rules.text !== mark.settings) {
    throw new SetupError(
      `attribution settings: they differ from those in force, and both have epoch ${mark.epoch}: ` +
        `raise "epoch" to ${mark.epoch + 1} to have existing orders credited under the new ones`,
    )
  }
  return mark
}

/** Whether not everything has been settled under the settings in force yet. */
export function isUnsettled({ epoch, settledEpoch }: StageMark): boolean {
  return settledEpoch < epoch
}
