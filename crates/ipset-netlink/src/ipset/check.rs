//! What no kernel would take of a new set is refused before the kernel is asked.

use crate::error::InputError;
use crate::set_type::Method;
use crate::{BitmapRange, CreateSet, SetType};

impl CreateSet {
    /// Refuses what no kernel would take.
    pub(super) fn check(&self) -> Result<(), InputError> {
        let Self {
            set_type, options, ..
        } = self;
        if let SetType::Other(_) = set_type {
            return Ok(());
        }
        for (given, option) in [
            (options.max_elements.is_some(), "maxelem"),
            (options.hash_size.is_some(), "hashsize"),
            (options.bucket_size.is_some(), "bucketsize"),
            (options.initial_value.is_some(), "initval"),
            (options.forceadd, "forceadd"),
            (options.range.is_some(), "range"),
            (options.size.is_some(), "size"),
            (options.netmask.is_some(), "netmask"),
            (options.bitmask.is_some(), "bitmask"),
            (options.mark_mask.is_some(), "markmask"),
        ] {
            if given && !set_type.takes(option) {
                let set_type = set_type.clone();
                return Err(InputError::Option { set_type, option });
            }
        }
        let fits = match options.range {
            Some(BitmapRange::Addresses(_)) => set_type.holds_addresses(),
            Some(BitmapRange::Ports(first, last)) => !set_type.holds_addresses() && first <= last,
            None => set_type.method() != Some(Method::Bitmap),
        };
        if fits {
            Ok(())
        } else {
            Err(InputError::Range(self.set_type.clone()))
        }
    }
}
