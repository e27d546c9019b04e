"""Everything that is named on a wire: topics, frames, codecs, connections."""
