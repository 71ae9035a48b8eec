import { SluiceError } from '@sluice/contract/error'
import { itemInput, type ItemInput } from '@sluice/contract/item'
import { parse } from '@sluice/contract/parse'
import { InputError, type Skip } from './input.ts'

/**
 * The item that `make` makes of what stands at `place`, checked as the server will. What is not valid is told to `skip`, and
 * undefined comes back; without `skip` it is thrown with its place.
 */
export function checkItem(place: string, make: () => unknown, skip: Skip | undefined): ItemInput | undefined {
  try {
    return parse(itemInput, make())
  } catch (error) {
    if (!(error instanceof SluiceError) && !(error instanceof InputError)) throw error
    if (skip === undefined) throw new InputError(`${place}: ${error.message}`)
    skip(place, error.message)
    return undefined
  }
}
