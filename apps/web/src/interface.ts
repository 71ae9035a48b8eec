// Shapes of the contract under the names that the page uses. Types only: nothing of the contract is loaded into the browser.
import type { extractorList, extractorView } from '@sluice/contract/extractor'

export type ExtractorList = (typeof extractorList)['_output']
export type ExtractorView = (typeof extractorView)['_output']
