//! Glance: images.
//!
//! <https://docs.openstack.org/api-ref/image/v2/>

use serde::Deserialize;

use super::{fault, link};
use crate::call::{Call, Cursor, Page, Request, Service, Step};
use crate::error::Result;
use crate::provider::dialect::answer;
use crate::service::node::{Image, ImageState};

pub(super) fn list(from: Option<&Cursor>) -> Result<Call<Page<Image>>> {
    let request = Request::get(GLANCE, link::page("/images", from)?);
    let this = from.map(|cursor| cursor.as_str().to_owned());
    Ok(Call::new(request, move |response| {
        let list: Images = fault::json(&response, "a list of images")?;
        let next = list.next.as_deref();
        let next = next.map(|href| link::cursor(href, this.as_deref()));
        let images = list.images.into_iter().map(Image::from).collect();
        Ok(Step::Done(Page::new(images, next.transpose()?)))
    }))
}

pub(super) fn get(id: &str) -> Result<Call<Image>> {
    let request = Request::get(GLANCE, format!("/images/{}", link::segment(id)?));
    Ok(Call::new(request, |response| {
        let image: GlanceImage = fault::json(&response, "an image")?;
        Ok(Step::Done(image.into()))
    }))
}

#[derive(Deserialize)]
struct Images {
    images: Vec<GlanceImage>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct GlanceImage {
    id: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    name: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    status: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    min_disk: u64,
    #[serde(default, deserialize_with = "answer::or_default")]
    min_ram: u64,
    created_at: Option<String>,
}

impl From<GlanceImage> for Image {
    fn from(image: GlanceImage) -> Self {
        let mut out = Self::new(image.id, image.name, image_state(&image.status));
        out.min_disk_gb = image.min_disk;
        out.min_ram_mb = image.min_ram;
        out.created_at = image.created_at.and_then(|text| answer::time(&text));
        out
    }
}

/// Glance's words: <https://docs.openstack.org/glance/latest/user/statuses.html>.
fn image_state(status: &str) -> ImageState {
    match status {
        "active" => ImageState::Active,
        "deactivated" => ImageState::Deactivated,
        // The data of `pending_delete` is still there, for the operator alone.
        "deleted" | "pending_delete" => ImageState::Deleted,
        // An upload broke off; the image can never be used.
        "killed" => ImageState::Error,
        // Registered, and its data is on the way or still to come.
        "importing" | "queued" | "saving" | "uploading" => ImageState::Pending,
        _ => ImageState::Unknown,
    }
}

const GLANCE: Service = Service { provider: super::NAME, name: "image" };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::provider::dialect::by_hand::{failed, read};

    const LIST: &str = r#"{"images": [
        {"id": "e54c1fc2", "name": "tiny-2", "status": "active", "min_ram": 64, "min_disk": 1,
         "visibility": "public", "size": 1048576, "created_at": "2025-11-23T03:46:55Z", "tags": []},
        {"id": "70a599e0", "name": null, "status": "queued", "size": null}],
        "first": "/v2/images?limit=2", "schema": "/v2/schemas/images",
        "next": "/v2/images?limit=2&marker=70a599e0"}"#;

    #[test]
    fn a_page_of_images_is_read_with_its_successor() {
        let call = list(None).expect("a call");
        assert_eq!(call.request.path, "/images");
        assert_eq!(call.request.method, http::Method::GET);
        let page = read(call, 200, LIST).expect("a page");
        let [tiny, unnamed] = &page.items[..] else {
            panic!("two images: {page:?}");
        };
        assert_eq!((tiny.id.as_str(), tiny.name.as_str()), ("e54c1fc2", "tiny-2"));
        assert_eq!((tiny.min_ram_mb, tiny.min_disk_gb), (64, 1));
        assert_eq!(tiny.created_at, answer::time("2025-11-23T03:46:55Z"));
        assert_eq!((unnamed.name.as_str(), unnamed.state), ("", ImageState::Pending));

        let call = list(page.next.as_ref()).expect("a call");
        assert_eq!(call.request.path, "/images?limit=2&marker=70a599e0");
        let circle = failed(read(call, 200, LIST));
        assert_eq!(circle.kind(), ErrorKind::Protocol);
    }

    #[test]
    fn every_status_of_glance_has_its_state() {
        for (status, state) in [
            ("active", ImageState::Active),
            ("deactivated", ImageState::Deactivated),
            ("deleted", ImageState::Deleted),
            ("importing", ImageState::Pending),
            ("killed", ImageState::Error),
            ("pending_delete", ImageState::Deleted),
            ("queued", ImageState::Pending),
            ("saving", ImageState::Pending),
            ("uploading", ImageState::Pending),
            ("", ImageState::Unknown),
            ("melting", ImageState::Unknown),
        ] {
            assert_eq!(image_state(status), state, "{status}");
        }
    }

    #[test]
    fn an_image_without_id_is_an_answer_of_another_shape() {
        let call = list(None).expect("a call");
        let error = failed(read(call, 200, r#"{"images": [{"name": "tiny"}]}"#));
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}
