//! What is the same for the attributes of every level.

/// The attributes of one level, a row each: what it holds, in which form, its name in the kernel
/// and its number. Of two with the same number, one is for the commands that it names.
///
/// Brackets behind the name have what stands between angle brackets: where the type is declared,
/// written, read, and elsewhere.
macro_rules! attributes {
    (
        $(#[$meta:meta])*
        pub enum $name:ident [$($declared:tt)*] [$($written:tt)*] [$($read:tt)*] [$($given:tt)*] {
            $(
                $(#[$doc:meta])*
                $variant:ident($value:ty) = $form:ident $kind:ident $number:tt
                $(for $($command:ident)|+)?,
            )*
        }
    ) => {
        $(#[$meta])*
        pub enum $name<$($declared)*> {
            $($(#[$doc])* $variant($value),)*
            /// One this crate does not know.
            Other(DefaultNla),
        }

        impl<$($written)*> Nla for $name<$($given)*> {
            #[inline]
            fn value_len(&self) -> usize {
                match self {
                    $(Self::$variant(value) => codec::$form::len(value),)*
                    Self::Other(nla) => nla.value_len(),
                }
            }

            #[inline]
            fn kind(&self) -> u16 {
                match self {
                    $(Self::$variant(_) => codec::$form::FLAGS | $number,)*
                    Self::Other(nla) => nla.kind(),
                }
            }

            #[inline(always)]
            fn emit_value(&self, buffer: &mut [u8]) {
                match self {
                    $(Self::$variant(value) => codec::$form::emit(value, buffer),)*
                    Self::Other(nla) => nla.emit_value(buffer),
                }
            }
        }

        impl<'a, $($read)*> $name<$($given)*> {
            #[inline]
            fn read(nla: &NlaBuffer<&'a [u8]>, command: Command) -> Result<Self, DecodeError> {
                let _ = command;
                let known = match nla.kind() {
                    $(
                        $number $(if matches!(command, $(Command::$command)|+))? => {
                            codec::$form::read(nla, stringify!($kind))?.map(Self::$variant)
                        }
                    )*
                    _ => None,
                };
                match known {
                    Some(known) => Ok(known),
                    None => DefaultNla::parse(nla).map(Self::Other),
                }
            }
        }
    };
}
pub(super) use attributes;
