import fc from 'fast-check'

/** Words of strangers that try to be more than words. */
export const strangersWords = fc.oneof(
  fc.string({ minLength: 1, maxLength: 90, unit: 'grapheme' }),
  fc.string({
    minLength: 1,
    maxLength: 90,
    unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '\n', '\0', 'a', '$'),
  }),
  fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '</p></main></div></title><svg onload=alert(1)>',
    '<!--',
    "$&$`$'$1",
    '&lt;b&gt; &amp;',
  ),
)
