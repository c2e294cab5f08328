export { XenApiError, type XenApiErrorCode, type XenApiErrorDetails } from '../error.ts'
export { apiClasses, apiEnums } from '../generated/classes.ts'
export type { ApiClass, ApiField, ApiMessage } from './class.ts'
export { decodeDatetime, encodeDatetime } from './datetime.ts'
export {
  decodeJsonAnswer,
  decodeJsonCall,
  encodeJsonAnswer,
  encodeJsonCall,
  type JsonCall,
  type JsonVersion,
} from './jsonrpc.ts'
export { arity, defaultOf, findField, findMessage, type FoundMessage } from './model.ts'
export { parseType, type ApiType } from './type.ts'
export { decodeTyped, encodeTyped, NULL_REF, type DecodeMode, type Encoding } from './typed.ts'
export { failureTexts, isStruct, structOf, type Answer, type Call, type WireStruct, type WireValue } from './wire.ts'
export { parseXml, xmlReader, type XmlElement, type XmlLimits, type XmlReader } from './xml.ts'
export {
  answerOf,
  decodeXmlAnswer,
  decodeXmlCall,
  decodeXmlValue,
  encodeDouble,
  encodeXmlAnswer,
  encodeXmlBareAnswer,
  encodeXmlCall,
  encodeXmlValue,
} from './xmlrpc.ts'
