use super::*;
use crate::provider::aws::tests::body;
use crate::provider::dialect::by_hand::{failed, read};

const TWO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>r1</requestId>
  <reservationSet>
    <item>
      <reservationId>r-1</reservationId>
      <groupSet/>
      <instancesSet>
        <item>
          <instanceId>i-1</instanceId>
          <imageId>ami-1</imageId>
          <instanceState><code>16</code><name>running</name></instanceState>
          <privateDnsName>ip-10-0-0-1</privateDnsName>
          <dnsName/>
          <reason/>
          <keyName>mine</keyName>
          <instanceType>t3.nano</instanceType>
          <launchTime>2025-11-23T03:58:39.000Z</launchTime>
          <placement><availabilityZone>us-east-1b</availabilityZone><tenancy>default</tenancy></placement>
          <privateIpAddress>10.0.0.1</privateIpAddress>
          <ipAddress>203.0.113.1</ipAddress>
          <tagSet>
            <item><key>Name</key><value>web-1</value></item>
            <item><key>team</key><value>a &amp; b</value></item>
            <item><key>empty</key><value/></item>
          </tagSet>
          <networkInterfaceSet>
            <item>
              <privateIpAddress>10.0.0.1</privateIpAddress>
              <privateIpAddressesSet>
                <item>
                  <privateIpAddress>10.0.0.1</privateIpAddress><primary>true</primary>
                  <association><publicIp>203.0.113.1</publicIp></association>
                </item>
                <item>
                  <privateIpAddress>10.0.0.2</privateIpAddress><primary>false</primary>
                  <association><publicIp>203.0.113.2</publicIp></association>
                </item>
              </privateIpAddressesSet>
              <ipv6AddressesSet><item><ipv6Address>2001:db8::1</ipv6Address></item></ipv6AddressesSet>
            </item>
          </networkInterfaceSet>
        </item>
      </instancesSet>
    </item>
    <item>
      <instancesSet>
        <item>
          <instanceId>i-2</instanceId>
          <instanceState><code>48</code><name>terminated</name></instanceState>
          <stateReason>
            <code>Server.InsufficientInstanceCapacity</code>
            <message>Server.InsufficientInstanceCapacity: no room</message>
          </stateReason>
          <placement/>
          <tagSet/>
        </item>
      </instancesSet>
    </item>
  </reservationSet>
  <nextToken>a/b+c=</nextToken>
</DescribeInstancesResponse>"#;

const NONE: &str = "<DescribeInstancesResponse><requestId>r1</requestId><reservationSet/>\
                    <nextToken/></DescribeInstancesResponse>";

fn aws() -> Aws {
    Aws(())
}

#[test]
fn a_page_of_instances_is_read_with_its_successor() {
    let call = aws().list_nodes(None).expect("a call");
    assert_eq!(body(&call), "Action=DescribeInstances&Version=2016-11-15&MaxResults=1000");
    assert_eq!((call.request.path.as_ref(), &call.request.method), ("/", &http::Method::POST));
    assert_eq!(call.request.replay, crate::call::Replay::Safe, "it reads");
    let page = read(call, 200, TWO).expect("a page");
    let [web, gone] = &page.items[..] else { panic!("two nodes: {page:?}") };

    assert_eq!(
        (web.id.as_str(), web.name.as_str(), web.state),
        ("i-1", "web-1", NodeState::Running)
    );
    let addresses = |all: &[IpAddr]| all.iter().map(IpAddr::to_string).collect::<Vec<_>>();
    assert_eq!(addresses(&web.private_ips), ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(addresses(&web.public_ips), ["203.0.113.1", "203.0.113.2", "2001:db8::1"]);
    assert_eq!(web.size.as_deref(), Some("t3.nano"));
    assert_eq!(web.image.as_deref(), Some("ami-1"));
    assert_eq!(web.location.as_deref(), Some("us-east-1b"));
    assert_eq!(web.key_pair.as_deref(), Some("mine"));
    assert_eq!(web.created_at, answer::time("2025-11-23T03:58:39Z"));
    let notes: Vec<_> = web.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(notes, [("empty", ""), ("team", "a & b")]);
    assert_eq!(web.fault, None);

    assert_eq!((gone.name.as_str(), gone.state), ("i-2", NodeState::Terminated));
    assert!(gone.fault.as_deref().is_some_and(|why| why.contains("no room")));
    assert_eq!((&gone.size, &gone.location, gone.private_ips.len()), (&None, &None, 0));

    let next = aws().list_nodes(page.next.as_ref()).expect("a call");
    assert!(body(&next).ends_with("&NextToken=a%2Fb%2Bc%3D"), "{}", body(&next));
    let page = read(next, 200, NONE).expect("a page");
    assert_eq!((page.items.len(), page.next), (0, None));
}

#[test]
fn one_instance_is_asked_for_by_its_id() {
    let call = aws().get_node("i-2&Action=TerminateInstances").expect("a call");
    assert!(body(&call).ends_with("&InstanceId.1=i-2%26Action%3DTerminateInstances"));
    let call = aws().get_node("i-2").expect("a call");
    assert_eq!(read(call, 200, TWO).expect("a node").id, "i-2");
    let call = aws().get_node("i-3").expect("a call");
    assert_eq!(failed(read(call, 200, NONE)).kind(), ErrorKind::NotFound);
    let call = aws().get_node("i-3").expect("a call");
    let refused = "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>\
                   <Message>The instance ID 'i-3' does not exist</Message></Error></Errors>\
                   <RequestID>r2</RequestID></Response>";
    let error = failed(read(call, 400, refused));
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::NotFound, Some("r2")));
}

#[test]
fn an_instance_is_terminated_by_its_id_as_often_as_it_takes() {
    let destroy = || aws().destroy_node("i-1").expect("a call");
    let call = destroy();
    assert!(body(&call).starts_with("Action=TerminateInstances&"), "{}", body(&call));
    assert!(body(&call).ends_with("&InstanceId.1=i-1"), "{}", body(&call));
    assert_eq!(call.request.replay, crate::call::Replay::Safe);
    read(call, 200, "<TerminateInstancesResponse/>").expect("destroyed");
    let refused = "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>\
                   <Message>none</Message></Error></Errors></Response>";
    assert_eq!(failed(read(destroy(), 400, refused)).kind(), ErrorKind::NotFound);
}

#[test]
fn images_are_read_with_what_they_need() {
    let call = image::list(None);
    assert!(body(&call).contains("Filter.1.Name=image-type&Filter.1.Value.1=machine"));
    let page = r#"<DescribeImagesResponse><imagesSet>
        <item><imageId>ami-1</imageId><imageState>available</imageState><name>debian-12</name>
          <creationDate>2025-11-23T03:58:39.000Z</creationDate><rootDeviceName>/dev/xvda</rootDeviceName>
          <blockDeviceMapping>
            <item><deviceName>/dev/xvdb</deviceName><virtualName>ephemeral0</virtualName></item>
            <item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>8</volumeSize></ebs></item>
          </blockDeviceMapping></item>
        <item><imageId>ami-2</imageId><imageState>new-word</imageState></item>
      </imagesSet></DescribeImagesResponse>"#;
    let page = read(call, 200, page).expect("a page");
    let [debian, other] = &page.items[..] else { panic!("two images: {page:?}") };
    assert_eq!((debian.id.as_str(), debian.name.as_str()), ("ami-1", "debian-12"));
    assert_eq!((debian.min_disk_gb, debian.created_at), (8, answer::time("2025-11-23T03:58:39Z")));
    assert_eq!((other.name.as_str(), other.min_disk_gb), ("", 0));
    assert_eq!(other.state, crate::service::node::ImageState::Unknown);
}

#[test]
fn states_are_ec2s_words() {
    for (word, state) in [
        ("pending", NodeState::Pending),
        ("running", NodeState::Running),
        ("stopping", NodeState::Stopping),
        ("shutting-down", NodeState::Stopping),
        ("stopped", NodeState::Stopped),
        ("terminated", NodeState::Terminated),
        ("", NodeState::Unknown),
        ("dreaming", NodeState::Unknown),
    ] {
        assert_eq!(node_state(word), state, "{word}");
    }
}

#[test]
fn what_is_no_list_of_instances_is_refused() {
    for wrong in [
        "",
        "<html>log in first</html>",
        "{}",
        "<DescribeImagesResponse/>",
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><imageId>a</imageId>",
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><imageId>a</imageId>\
         </item></instancesSet></item></reservationSet></DescribeInstancesResponse>",
    ] {
        let call = aws().list_nodes(None).expect("a call");
        assert_eq!(failed(read(call, 200, wrong)).kind(), ErrorKind::Protocol, "{wrong}");
    }
}
