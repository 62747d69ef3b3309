//! The contexts of a component: what its handlers may do, and what its rendering may see.

use std::{
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use n2o::Dispatch;

use crate::doc::Doc;

/// The context of a handler of the component `C`: all that an [`n2o::Cx`] can, and the document, by the verbs
/// of [`Dom`](crate::Dom).
pub struct Cx<'a, C> {
    pub(crate) dispatch: &'a mut Dispatch,
    pub(crate) doc: &'a mut Doc,
    of: PhantomData<fn(C)>,
}

impl<'a, C> Cx<'a, C> {
    pub(crate) fn new(dispatch: &'a mut Dispatch, doc: &'a mut Doc) -> Self {
        Cx { dispatch, doc, of: PhantomData }
    }

    /// The same context for another page, which this one holds and shows as its own.
    pub fn lend<D>(&mut self) -> Cx<'_, D> {
        Cx::new(self.dispatch, self.doc)
    }

    pub(crate) fn ui(&self) -> Ui<'_, C> {
        Ui { cx: self.dispatch, of: PhantomData }
    }
}

impl<C> Deref for Cx<'_, C> {
    type Target = n2o::Cx;

    fn deref(&self) -> &n2o::Cx {
        self.dispatch
    }
}

impl<C> DerefMut for Cx<'_, C> {
    fn deref_mut(&mut self) -> &mut n2o::Cx {
        self.dispatch
    }
}

impl<C> std::fmt::Debug for Cx<'_, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cx").field("path", &self.path()).finish_non_exhaustive()
    }
}

/// The context of the rendering of the component `C`: all that can be read from an [`n2o::Cx`].
pub struct Ui<'a, C> {
    cx: &'a n2o::Cx,
    of: PhantomData<fn(C)>,
}

impl<C> Ui<'_, C> {
    /// The same for the rendering of another page, which this one holds and shows as its own.
    #[must_use]
    pub fn lend<D>(&self) -> Ui<'_, D> {
        Ui { cx: self.cx, of: PhantomData }
    }
}

impl<C> Deref for Ui<'_, C> {
    type Target = n2o::Cx;

    fn deref(&self) -> &n2o::Cx {
        self.cx
    }
}

impl<C> std::fmt::Debug for Ui<'_, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ui").field("path", &self.path()).finish_non_exhaustive()
    }
}
